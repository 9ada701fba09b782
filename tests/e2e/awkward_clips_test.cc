// SPDX-License-Identifier: Apache-2.0
// One frame, identical points, everything at the origin, fewer points than centroids and
// neighbours, batches of one: every student trains on them and is probed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

constexpr int kFrames = 6;

/// Eight clips in a folder of their own, float32 [6, points, 3].
void WriteClips(const Place& place,
                const std::string& folder,
                int points,
                const std::function<float()>& coordinate) {
  std::filesystem::create_directory(place / folder);
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                       std::to_string(kFrames) + ", " + std::to_string(points) + ", 3), }";
  header.resize(118, ' ');
  std::string table = "id,label,split\n";
  for (int clip = 0; clip < 8; ++clip) {
    std::string file = std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header;
    for (int i = 0; i < kFrames * points * 3; ++i) {
      const float value = coordinate();
      file.append(reinterpret_cast<const char*>(&value), sizeof(value));
    }
    const std::string name = "c" + std::to_string(clip);
    place.Write(folder + "/" + name + ".npy", file);
    table += name + (clip % 2 == 0 ? ",a," : ",b,") + (clip < 5 ? "train\n" : "test\n");
  }
  place.Write(folder + "/clips.csv", table);
}

constexpr const char* kExperiment = R"(
name = "awkward"
seeds = [0]
[dataset]
plugin = "point-folder"
root = "usual"
[teacher]
plugin = "shape-hog"
[targets]
image_size = 32
dim = 16
[student]
plugin = "point4d"
[student.point4d]
preset = "quickstart"
[student.p4transformer]
dim = 32
heads = 2
dim_head = 16
mlp = 32
depth = 1
[student.simple4d]
depth = 1
[objective]
plugin = "dense"
[pretrain]
epochs = 1
batch = 1
variance_weight = 0.1
[[evaluate]]
name = "probe"
protocol = "linear-probe"
epochs = 1
[grid]
"student.plugin" = ["point4d", "p4transformer", "simple4d"]
"objective.plugin" = ["dense", "global", "i-jepa", "mast-pre"]
[[grid.zip]]
"dataset.root" = ["usual", "identical", "origin", "three", "one", "usual"]
"dataset.points" = [50, 50, 50, 3, 1, 1]
"dataset.frames" = [1, 4, 4, 4, 4, 1]
"dataset.sample_seed" = [0, 1, 2, 3, 4, 5]
[[grid.exclude]]  # refused: one token has nothing to hide
"student.plugin" = "p4transformer"
"objective.plugin" = "mast-pre"
"dataset.frames" = 1
)";

TEST(AwkwardClips, EveryStudentTrainsOnThem) {
  const Place place;
  std::mt19937 random(1);
  std::normal_distribution<float> normal(1, 0.3f);
  const auto usual = [&] { return normal(random); };
  WriteClips(place, "usual", 50, usual);
  WriteClips(place, "identical", 50, [] { return 1.5f; });
  WriteClips(place, "origin", 50, [] { return 0.0f; });
  WriteClips(place, "three", 3, usual);
  WriteClips(place, "one", 1, usual);
  const Result run = place.Run({"run", place.Write("awkward.toml", kExperiment)});
  EXPECT_TRUE(run.Ok()) << run.err;
  EXPECT_EQ(place.Sql("SELECT count(*) AS n FROM run_summary WHERE state = 'done'")[0].at("n"),
            3 * 4 * 6 - 2);
  const auto bad = place.Sql(
      "SELECT count(*) AS n FROM metric_final WHERE value IS NULL OR abs(value) > 1e6 OR "
      "value <> value");
  EXPECT_EQ(bad[0].at("n"), 0);
}

}  // namespace
}  // namespace cross4d::e2e
