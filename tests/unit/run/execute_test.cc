// SPDX-License-Identifier: Apache-2.0
#include "core/run/execute.h"

#include "core/plugin/discover.h"
#include "core/store/store.h"

#include <cross4d/sdk/error.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "tests/unit/targets/toy.h"

namespace cross4d::run {
namespace {

namespace fs = std::filesystem;
using protocol::StageSpec;
using toy::Recorder;

const plugin::Discovery& Plugins() {
  static const plugin::Discovery found = plugin::Discover(
      {(fs::path(std::getenv("CROSS4D_BINARY_DIR")) / "lib/cross4d/plugins").string()});
  return found;
}

protocol::SpecPlugin Plugin(const std::string& role,
                            const std::string& name,
                            const OptionValues& given) {
  const base::PluginDescription* p = Plugins().Find(role, name);
  if (p == nullptr)
    throw Error(ErrorCode::kInternal, "no " + role + " " + name + " in the build folder");
  return {p->name, p->version, p->file, p->build_id, "", ResolveOptions(p->options, given), "", ""};
}

OptionValue Int(std::int64_t v) { return v; }
OptionValue Ints(std::vector<std::int64_t> v) { return v; }

protocol::SpecPlugin SmallDataset() {
  return Plugin(
      "dataset",
      "synthetic4d",
      {{"subjects", Int(4)}, {"repetitions", Int(1)}, {"frames", Int(3)}, {"points", Int(64)}});
}

protocol::SpecPlugin SmallStudent() {
  return Plugin("student",
                "point4d",
                {{"centroids", Ints({16, 8})},
                 {"k", Ints({4, 4})},
                 {"widths1", Ints({8, 16})},
                 {"widths2", Ints({16, 16})},
                 {"dim", Int(16)},
                 {"depth", Int(1)},
                 {"heads", Int(2)},
                 {"ffn", Int(32)},
                 {"position_width", Int(8)}});
}

// One store below the temporary folder; a stage's key is its name.
class Chain {
 public:
  explicit Chain(const std::string& name) : root_(toy::Folder("chain_" + name)) {}

  StageSpec Spec(const std::string& kind, const std::string& key) const {
    StageSpec spec;
    spec.kind = kind;
    spec.key = key;
    spec.folder = (root_ / key).string();
    spec.writer = "w";
    return spec;
  }
  std::string Artifact(const std::string& key) const { return (root_ / key / "artifact").string(); }

  StageSpec Tokens() const {
    StageSpec spec = Spec("tokens", "tokens");
    spec.plugins = {{"dataset", SmallDataset()}, {"student", SmallStudent()}};
    return spec;
  }
  StageSpec Features() const {
    StageSpec spec = Spec("features", "features");
    spec.plugins = {{"dataset", SmallDataset()}, {"teacher", Plugin("teacher", "shape-hog", {})}};
    spec.options["targets"] = {{"image_size", Int(32)}, {"dim", Int(8)}};
    return spec;
  }
  StageSpec Targets() const {
    StageSpec spec = Spec("targets", "targets");
    spec.options["targets"] = {{"granularity", OptionValue(std::string("token"))}};
    spec.inputs = {{"tokens", Artifact("tokens")}, {"features", Artifact("features")}};
    return spec;
  }
  StageSpec Encoder(const std::string& objective, std::int64_t seed) const {
    StageSpec spec = Spec("encoder", "encoder-" + objective);
    spec.seed = seed;
    spec.plugins = {{"student", SmallStudent()}, {"objective", Plugin("objective", objective, {})}};
    spec.inputs["tokens"] = Artifact("tokens");
    if (objective != "none") spec.inputs["targets"] = Artifact("targets");
    spec.options["pretrain"] = {{"epochs", Int(3)}, {"batch", Int(8)}, {"lr", OptionValue(1e-3)}};
    return spec;
  }
  StageSpec Embeddings(const std::string& objective) const {
    StageSpec spec = Spec("embeddings", "embeddings-" + objective);
    spec.plugins = {{"student", SmallStudent()}};
    spec.inputs = {{"tokens", Artifact("tokens")}, {"encoder", Artifact("encoder-" + objective)}};
    return spec;
  }
  StageSpec Probe(const std::string& objective) const {
    StageSpec spec = Spec("evaluation", "probe-" + objective);
    spec.protocol = "linear-probe";
    spec.options["evaluate"] = {{"epochs", Int(20)}};
    spec.inputs = {{"embeddings", Artifact("embeddings-" + objective)}};
    return spec;
  }

 private:
  fs::path root_;
};

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
