// SPDX-License-Identifier: Apache-2.0
#include "core/run/execute.h"

#include "core/store/store.h"

#include <cross4d/sdk/error.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/run/chain.h"

namespace cross4d::run {
namespace {

using toy::Recorder;

std::string Refusal(const StageSpec& spec) {
  Recorder recorder;
  try {
    ExecuteStage(spec, recorder);
  } catch (const Error& e) {
    EXPECT_FALSE(fs::exists(spec.Work())) << "the work folder is removed";
    EXPECT_FALSE(fs::exists(spec.Artifact()));
    return e.what();
  }
  return "";
}

TEST(ExecuteStage, TheWholeChainRunsWithRealPlugins) {
  const Chain chain("whole");
  Recorder recorder;
  const StageResult tokens = ExecuteStage(chain.Tokens(), recorder);
  EXPECT_GT(nlohmann::json::parse(tokens.data).at("bytes").get<std::int64_t>(), 1000);
  EXPECT_EQ(tokens.artifact_hash, store::ReadManifest(chain.Artifact("tokens")).hash);
  ExecuteStage(chain.Features(), recorder);
  EXPECT_GT(recorder.metrics.at({"coverage", -1}), 0.2);
  ExecuteStage(chain.Targets(), recorder);
  EXPECT_GT(recorder.metrics.at({"token_coverage", -1}), 0.2);
  for (const std::string objective : {"none", "global", "dense"}) {
    Recorder encoder, embeddings, probe;
    ExecuteStage(chain.Encoder(objective, 0), encoder);
    EXPECT_GT(encoder.metrics.at({"params", -1}), 1000);
    if (objective == "none") {
      EXPECT_FALSE(encoder.metrics.contains({"loss", -1}));
    } else {
      EXPECT_LT(encoder.metrics.at({"loss", 3}), encoder.metrics.at({"loss", 1})) << objective;
      EXPECT_GT(encoder.metrics.at({"cosine", -1}), encoder.metrics.at({"cosine", 1})) << objective;
    }
    ExecuteStage(chain.Embeddings(objective), embeddings);
    ExecuteStage(chain.Probe(objective), probe);
    EXPECT_GE(probe.metrics.at({"accuracy", -1}), 0);
    EXPECT_LE(probe.metrics.at({"accuracy", -1}), 1);
    EXPECT_TRUE(store::VerifyArtifact(chain.Artifact("probe-" + objective)).empty());
  }
}

TEST(ExecuteStage, ACancelledEncoderGoesOnToTheSameArtifact) {
  const Chain chain("resume");
  Recorder recorder;
  ExecuteStage(chain.Tokens(), recorder);
  ExecuteStage(chain.Features(), recorder);
  ExecuteStage(chain.Targets(), recorder);
  StageSpec spec = chain.Encoder("dense", 3);
  const StageResult whole = ExecuteStage(spec, recorder);
  fs::remove_all(spec.Artifact());

  Recorder stopped;
  stopped.stop_after = 4;
  try {
    ExecuteStage(spec, stopped);
    FAIL() << "was not cancelled";
  } catch (const Error& e) {
    EXPECT_EQ(CauseOf(e), protocol::Cause::kCancelled);
  }
  EXPECT_TRUE(fs::exists(spec.Checkpoint()));
  spec.attempt = 2;
  Recorder rest;
  EXPECT_EQ(ExecuteStage(spec, rest).artifact_hash, whole.artifact_hash);
  EXPECT_NE(rest.log.find("continues at step 4"), std::string::npos) << rest.log;
  EXPECT_FALSE(fs::exists(spec.Checkpoint())) << "removed at the finish";
}

TEST(ExecuteStage, APluginOtherThanPlannedIsRefused) {
  StageSpec spec = Chain("refuse").Tokens();
  spec.plugins.at("student").build_id = "beef";
  EXPECT_NE(Refusal(spec).find("beef"), std::string::npos);
  spec = Chain("refuse").Tokens();
  spec.plugins.at("student").version = "0.0.1";
  EXPECT_NE(Refusal(spec).find("0.0.1"), std::string::npos);
}

TEST(ExecuteStage, ChangedDataNamesBothFingerprints) {
  StageSpec spec = Chain("fingerprint").Tokens();
  spec.plugins.at("dataset").fingerprint = "old";
  spec.plugins.at("dataset").fingerprint_location = "/data/first";
  const std::string message = Refusal(spec);
  EXPECT_NE(message.find("old"), std::string::npos) << message;
  EXPECT_NE(message.find("/data/first"), std::string::npos) << message;
}

TEST(ExecuteStage, BadSpecsSayWhatIsWrong) {
  StageSpec spec = Chain("bad").Spec("cake", "x");
  EXPECT_NE(Refusal(spec).find("cake"), std::string::npos);
  spec = Chain("bad").Tokens();
  spec.device = "cuda:0";
  EXPECT_NE(Refusal(spec).find("cuda:0"), std::string::npos);
  spec = Chain("bad").Tokens();
  spec.plugins.erase("student");
  EXPECT_NE(Refusal(spec).find("student"), std::string::npos);
  spec = Chain("bad").Probe("dense");
  EXPECT_NE(Refusal(spec).find("clips.json"), std::string::npos) << "names the missing input";
}

TEST(CauseOf, TellsFailuresApart) {
  using protocol::Cause;
  EXPECT_EQ(CauseOf(Error(ErrorCode::kEnvironment, "cannot write x: disk full")), Cause::kDiskFull);
  EXPECT_EQ(CauseOf(Error(ErrorCode::kCancelled, "stopped")), Cause::kCancelled);
  EXPECT_EQ(CauseOf(Error(ErrorCode::kInput, "bad")), Cause::kError);
  EXPECT_EQ(CauseOf(std::bad_alloc()), Cause::kOutOfMemory);
  EXPECT_EQ(CauseOf(std::runtime_error("x")), Cause::kError);
}

}  // namespace
}  // namespace cross4d::run
