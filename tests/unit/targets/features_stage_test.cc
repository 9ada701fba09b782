// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.h"
#include "core/data/sources.h"
#include "core/targets/stages.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "tests/unit/targets/stage_files.h"

namespace cross4d::targets {
namespace {

using toy::Folder;
using toy::Recorder;

TEST(FeaturesStage, VideoTeachersAreReadByTubelet) {
  const toy::ToyDataset dataset;
  const toy::ToyStudent student;
  toy::ToyTeacher teacher;
  teacher.tubelet = 2;
  teacher.fit = true;
  Recorder recorder;
  const fs::path tokens = Folder("video/tokens"), features = Folder("video/features"),
                 targets = Folder("video/targets");
  RunTokens(dataset, student, tokens, 1, recorder);
  RunFeatures(dataset,
              teacher,
              SmallOptions(),
              features,
              {Folder("video_checkpoint"), "test"},
              1,
              recorder);
  RunTargets(tokens, features, SmallOptions(), targets, 1, recorder);
  EXPECT_EQ(teacher.fitted, 6 * 4) << "Fit saw every frame of the training split";
  EXPECT_EQ(Read(features / kFeaturesFile, "tokens").size(2), 2);
  const torch::Tensor all = Read(features / kFeaturesFile, "tokens");
  const torch::Tensor patch = Read(features / kFeaturesFile, "patch");
  const torch::Tensor got = Read(targets / data::kTargetsFile, "targets");
  for (int l = 0; l < 12; ++l) {
    const int frame = l / 3, point = l % 3 * 2;
    const auto p = patch[2][0][frame][point].item<std::int64_t>();
    if (p < 0) continue;
    EXPECT_TRUE(torch::equal(got[2][l], all[2][0][frame / 2][p / 4][p % 4])) << l;
  }
}

class CountingTeacher : public toy::ToyTeacher {
 public:
  torch::Tensor Encode(const torch::Tensor& x) override {
    if (encoded == limit) throw Error(ErrorCode::kCancelled, "interrupted");
    ++encoded;
    return ToyTeacher::Encode(x);
  }
  int encoded = 0, limit = -1;
};

struct Attempt {
  int encoded = 0;
  bool finished = false;
  std::string log, hash;
  double coverage = 0;
};

// Runs the stage on 20 training clips, interrupted in the clip after `limit` ones (-1 = not).
Attempt RunCounted(const Checkpoint& checkpoint,
                   const protocol::TargetsOptions& options,
                   int limit = -1) {
  const toy::ToyDataset dataset(30);
  CountingTeacher teacher;
  teacher.limit = limit;
  Recorder recorder;
  const fs::path out = Folder("counted");
  Attempt attempt;
  try {
    RunFeatures(dataset, teacher, options, out, checkpoint, 1, recorder);
    attempt.finished = true;
    attempt.hash = HashFolder(out);
    attempt.coverage = recorder.metrics.at({"coverage", -1});
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kCancelled) << e.what();
  }
  attempt.encoded = teacher.encoded;
  attempt.log = recorder.log;
  return attempt;
}

TEST(FeaturesStage, AnInterruptedAttemptIsContinuedToTheSameBytes) {
  for (const std::string projection : {"random", "pca"}) {
    protocol::TargetsOptions options = SmallOptions();
    options.projection = projection;
    const Attempt whole = RunCounted({Folder("calm"), "x"}, options);
    const int all = projection == "pca" ? 40 : 20;
    EXPECT_EQ(whole.encoded, all);
    const Checkpoint checkpoint{Folder("rough"), "x"};
    int encoded = 0;
    Attempt last;
    for (int attempts = 0; !last.finished && attempts < 10; ++attempts) {
      last = RunCounted(checkpoint, options, 7);
      encoded += last.encoded;
    }
    ASSERT_TRUE(last.finished);
    EXPECT_EQ(encoded, all) << "no clip twice";
    EXPECT_EQ(last.hash, whole.hash);
    EXPECT_EQ(last.coverage, whole.coverage);
    EXPECT_NE(last.log.find("of 20 clips"), std::string::npos) << last.log;
  }
}

TEST(FeaturesStage, ACheckpointOfOtherPluginsIsNotContinued) {
  const fs::path folder = Folder("foreign");
  EXPECT_FALSE(RunCounted({folder, "build 1"}, SmallOptions(), 10).finished);
  const Attempt other = RunCounted({folder, "build 2"}, SmallOptions());
  EXPECT_EQ(other.encoded, 20);
  EXPECT_EQ(other.hash, RunCounted({Folder("calm"), "x"}, SmallOptions()).hash);
  protocol::TargetsOptions options = SmallOptions();
  options.projection_seed = 1;
  EXPECT_EQ(RunCounted({folder, "build 2"}, options).encoded, 20) << "another projection";
}

TEST(FeaturesStage, DamagedSumsOfThePcaAreTakenAgain) {
  protocol::TargetsOptions options = SmallOptions();
  options.projection = "pca";
  const Checkpoint checkpoint{Folder("pca_damage"), "x"};
  EXPECT_FALSE(RunCounted(checkpoint, options, 10).finished);
  const fs::path sums = checkpoint.folder / "pca.safetensors";
  std::string bytes = base::ReadFile(sums);
  bytes[bytes.size() - 3] ^= 1;
  base::WriteFileAtomically(sums, bytes);
  const Attempt rest = RunCounted(checkpoint, options);
  EXPECT_EQ(rest.encoded, 40);
  EXPECT_EQ(rest.hash, RunCounted({Folder("calm"), "x"}, options).hash);
}

TEST(FeaturesStage, ErrorsNameTheClipAndTheCure) {
  toy::ToyDataset dataset;
  toy::ToyTeacher teacher;
  Recorder recorder;
  dataset.bad_clip = 4;
  const auto message = [&](auto&& work) -> std::string {
    try {
      work();
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_NE(message([&] {
              RunFeatures(
                  dataset, teacher, SmallOptions(), Folder("bad"), BadCheckpoint(), 1, recorder);
            }).find("clip c4"),
            std::string::npos);
  EXPECT_NE(message([&] {
              RunTokens(dataset, toy::ToyStudent(), Folder("bad"), 2, recorder);
            }).find("clip c4"),
            std::string::npos);
  dataset.bad_clip = -1;
  protocol::TargetsOptions options = SmallOptions();
  options.image_size = 18;
  EXPECT_NE(message([&] {
              RunFeatures(dataset, teacher, options, Folder("bad"), BadCheckpoint(), 1, recorder);
            }).find("image_size = 18"),
            std::string::npos);
  options = SmallOptions();
  options.dim = 4;
  options.projection = "pca";
  EXPECT_NE(message([&] {
              RunFeatures(dataset, teacher, options, Folder("bad"), BadCheckpoint(), 1, recorder);
            }).find("only 3 channels"),
            std::string::npos);
}

TEST(Skipping, BothStagesLeaveOutTheSameUnreadableClips) {
  toy::ToyDataset dataset;
  dataset.bad_clip = 4;
  dataset.skip = true;
  dataset.known = {{"d4.bin", "12 bytes, expected 24"}};
  for (const int threads : {1, 2}) {
    Recorder tokens_log, features_log;
    const fs::path tokens = Folder("skip/tokens"), features = Folder("skip/features"),
                   targets = Folder("skip/targets");
    toy::ToyTeacher teacher;
    RunTokens(dataset, toy::ToyStudent(), tokens, threads, tokens_log);
    RunFeatures(dataset, teacher, SmallOptions(), features, BadCheckpoint(), threads, features_log);
    RunTargets(tokens, features, SmallOptions(), targets, threads, tokens_log);
    for (const Recorder* r : {&tokens_log, &features_log}) {
      EXPECT_EQ(r->metrics.at({"skipped", -1}), 1);
      EXPECT_NE(r->log.find("d4.bin: 12 bytes, expected 24\n"), std::string::npos) << r->log;
      EXPECT_NE(r->log.find("skipped: clip c4 › the file is cut\n"), std::string::npos) << r->log;
    }
    const data::TokenSource source(tokens);
    ASSERT_EQ(source.table().clips.size(), 8u);
    EXPECT_EQ(source.table().clips[4].id, "c5");
    const std::vector<std::int64_t> row = {4};
    EXPECT_TRUE(torch::equal(source.Batch(row).points[0], dataset.Load(5).points));
    EXPECT_EQ(Read(targets / data::kTargetsFile, "targets").size(0), 5);
  }
}

TEST(Skipping, TheFirstClipMayBeTheUnreadableOne) {
  toy::ToyDataset dataset;
  dataset.bad_clip = 0;
  dataset.skip = true;
  Recorder recorder;
  const fs::path tokens = Folder("skip_first");
  RunTokens(dataset, toy::ToyStudent(), tokens, 1, recorder);
  EXPECT_EQ(data::ReadClipTable(tokens).clips.front().id, "c1");
}

TEST(Skipping, WholeDataChangesNoByteAndOtherErrorsStillFail) {
  toy::ToyDataset dataset;
  Recorder recorder;
  const fs::path strict = Folder("strict"), skipping = Folder("skipping");
  RunTokens(dataset, toy::ToyStudent(), strict, 1, recorder);
  EXPECT_FALSE(recorder.metrics.contains({"skipped", -1}));
  dataset.skip = true;
  RunTokens(dataset, toy::ToyStudent(), skipping, 1, recorder);
  EXPECT_EQ(recorder.metrics.at({"skipped", -1}), 0);
  EXPECT_EQ(HashFolder(strict), HashFolder(skipping));
  dataset.broken_clip = 5;
  try {
    RunTokens(dataset, toy::ToyStudent(), Folder("broken"), 1, recorder);
    FAIL() << "a plugin's bug was skipped";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kPlugin);
    EXPECT_NE(std::string(e.what()).find("clip c5"), std::string::npos);
  }
  toy::ToyDataset one(1);
  one.bad_clip = 0;
  one.skip = true;
  EXPECT_THROW(RunTokens(one, toy::ToyStudent(), Folder("none"), 1, recorder), Error);
}

TEST(FeaturesStage, AStopRequestEndsIt) {
  Recorder recorder;
  recorder.stop_after = 1;
  try {
    RunTokens(toy::ToyDataset(40), toy::ToyStudent(), Folder("stop"), 1, recorder);
    FAIL() << "went on";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kCancelled);
  }
}

}  // namespace
}  // namespace cross4d::targets
