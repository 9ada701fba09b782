// SPDX-License-Identifier: Apache-2.0
// On files that the test writes; samples_test.cc has those of the test data.
#include "msr_action3d.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "npz_writer.h"
#include "tests/support/refusal.h"
#include "tests/support/temp_folder.h"

namespace cross4d::test {
namespace {

namespace fs = std::filesystem;
using msr_action3d::MsrAction3d;
using msr_action3d::OfficialVideos;
using msr_action3d::Options;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// Frames of 320 x 240: `valid` pixels of row 100 from column 150 on, at 700 counts + 10 per frame.
std::string DepthFile(const std::vector<int>& valid_per_frame) {
  std::vector<std::uint32_t> words = {static_cast<std::uint32_t>(valid_per_frame.size()), 320, 240};
  for (std::size_t t = 0; t < valid_per_frame.size(); ++t) {
    words.resize(words.size() + 320 * 240, 0);
    std::uint32_t* row = &words[words.size() - 320 * 240 + 100 * 320 + 150];
    std::fill_n(row, valid_per_frame[t], static_cast<std::uint32_t>(700 + 10 * t));
  }
  return std::string(reinterpret_cast<const char*>(words.data()), words.size() * 4);
}

std::string PointFile(const std::vector<int>& valid_per_frame) {
  std::vector<PickledArray> frames;
  for (std::size_t t = 0; t < valid_per_frame.size(); ++t) {
    const std::int64_t n = valid_per_frame[t];
    frames.push_back({{n, 3}, BytesOf<double>(PublishedPoints(n, 700 + 10.0 * t))});
  }
  return Npz("point_clouds", ObjectNpy(frames));
}

class MsrAction3dTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.root = root().string();
    options_.frames = 4;
    options_.points = 32;
    fs::create_directories(root());
  }
  fs::path root() const { return folder_ / "MSR-Action3D"; }
  void Depth(const std::string& id, const std::vector<int>& valid_per_frame) const {
    WriteText(root() / (id + "_sdepth.bin"), DepthFile(valid_per_frame));
  }
  void Points(const std::string& id, const std::vector<int>& valid_per_frame) const {
    WriteText(root() / (id + "_sdepth.npz"), PointFile(valid_per_frame));
  }
  MsrAction3d Open() const { return {options_, {}}; }
  std::vector<std::string> Ids() const {
    const MsrAction3d data = Open();
    std::vector<std::string> ids;
    for (const ClipInfo& clip : data.clips()) ids.push_back(clip.id);
    return ids;
  }
  std::pair<int, int> TrainAndTest() const {
    const MsrAction3d data = Open();
    int train = 0;
    for (const ClipInfo& clip : data.clips()) train += clip.split == Split::kTrain;
    return {train, static_cast<int>(data.clips().size()) - train};
  }
  std::string OpenError() const {
    return Refusal([this] { Open(); });
  }
  std::string LoadError() const {
    return Refusal([this] { Open().Load(0); });
  }

  TempFolder folder_;
  Options options_;
};

TEST_F(MsrAction3dTest, SplitsOfThePublishedNames) {
  for (const auto& video : OfficialVideos()) WriteText(root() / (video.id() + "_sdepth.npz"), "x");
  WriteText(root() / "notes.txt", "x");
  EXPECT_EQ(TrainAndTest(), std::pair(270, 297));
  EXPECT_THAT(Open().problems(), SizeIs(0));
  options_.split = "odd-even";
  EXPECT_EQ(TrainAndTest(), std::pair(292, 275));
  options_.split = "validation";
  EXPECT_EQ(TrainAndTest(), std::pair(270 - 57, 57));
  options_.validation_subjects = {1, 4};
  EXPECT_EQ(TrainAndTest(), std::pair(270 - 98, 98));
}

// The 23 videos of 13 to 23 frames that 24-frame loaders lose: 13 of training, 10 of test.
TEST_F(MsrAction3dTest, ShortVideosStayUnlessTheLegacyRuleIsAskedFor) {
  const std::set<std::string> is_short = {
      "a04_s01_e03", "a04_s05_e02", "a05_s10_e02", "a05_s10_e03", "a07_s10_e02", "a10_s05_e02",
      "a10_s05_e03", "a10_s10_e02", "a10_s10_e03", "a11_s05_e01", "a11_s05_e02", "a11_s05_e03",
      "a12_s03_e01", "a12_s05_e01", "a12_s05_e02", "a12_s05_e03", "a12_s09_e03", "a13_s05_e01",
      "a14_s09_e01", "a14_s10_e02", "a14_s10_e03", "a15_s10_e03", "a18_s03_e02"};
  for (const auto& video : OfficialVideos()) {
    std::vector<double> words = {is_short.contains(video.id()) ? 23.0 : 30.0, 1, 1};
    words.resize(words.size() + static_cast<std::size_t>(words[0]), 700);
    WriteText(root() / (video.id() + "_sdepth.bin"), BytesOf<std::uint32_t>(words));
  }
  options_.frames = 24;
  EXPECT_EQ(TrainAndTest(), std::pair(270, 297));
  options_.legacy_drop_short = true;
  EXPECT_EQ(TrainAndTest(), std::pair(257, 287));
  std::string log;
  MsrAction3d(options_, {1, "cpu", [&](std::string_view line) { log = line; }});
  EXPECT_EQ(log, "legacy_drop_short: 23 of 567 videos are shorter than a clip and left out");
  options_.clips = "all";
  EXPECT_EQ(TrainAndTest(), std::pair(257 * 7, 287 * 7));
  options_.legacy_drop_short = false;
  EXPECT_EQ(TrainAndTest(), std::pair(257 * 7 + 13, 287 * 7 + 10));
}

TEST_F(MsrAction3dTest, IndexIsInNumericOrderWithLabels) {
  for (const char* id : {"a10_s06_e01", "a02_s01_e02", "a02_s01_e01"}) Depth(id, {20});
  EXPECT_THAT(Ids(), ElementsAre("a02_s01_e01", "a02_s01_e02", "a10_s06_e01"));
  const MsrAction3d data = Open();
  EXPECT_EQ(data.clips()[2].label, 9);
  EXPECT_EQ(data.class_names()[9], "hand clap");
  EXPECT_THAT(data.class_names(), SizeIs(20));
  EXPECT_EQ(data.clips()[2].subject, 6);
  ASSERT_THAT(data.problems(), SizeIs(1));
  EXPECT_EQ(data.problems()[0].what, "564 of the 567 published videos are missing");
}

TEST_F(MsrAction3dTest, MissingVideosAreNamed) {
  for (const auto& video : OfficialVideos()) WriteText(root() / (video.id() + "_sdepth.bin"), "x");
  fs::remove(root() / "a20_s10_e03_sdepth.bin");
  const auto problems = Open().problems();
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].file, (root() / "a20_s10_e03_sdepth").string());
}

TEST_F(MsrAction3dTest, FormsOfAVideo) {
  Depth("a01_s01_e01", {40, 40});
  Points("a01_s01_e01", {40, 40, 40});
  Points("a01_s01_e02", {40});
  options_.clips = "all";
  options_.frames = 1;
  EXPECT_THAT(Ids(), ElementsAre("a01_s01_e01@0", "a01_s01_e01@1", "a01_s01_e02@0"));
  options_.form = "points";
  EXPECT_THAT(Ids(), SizeIs(4));
  options_.form = "depth";
  EXPECT_THAT(Ids(), SizeIs(2));
}

TEST_F(MsrAction3dTest, BothFormsGiveTheSameBytes) {
  Depth("a01_s01_e01", {100, 90, 32, 80});
  Points("a01_s01_e01", {100, 90, 32, 80});
  for (const char* normalise : {"published-unit", "metres", "unit-sphere"}) {
    for (const char* intrinsics : {"published", "metric"}) {
      options_.normalise = normalise;
      options_.intrinsics = intrinsics;
      options_.form = "depth";
      const Clip depth = Open().Load(0);
      options_.form = "points";
      EXPECT_TRUE(depth.points.equal(Open().Load(0).points)) << normalise << " " << intrinsics;
    }
  }
}

TEST_F(MsrAction3dTest, PublishedUnitsAndMetres) {
  Depth("a01_s01_e01", {1, 1, 1, 1});
  const auto point = [&](std::int64_t t) {
    const torch::Tensor p = Open().Load(0).points[t][31];
    return std::vector<double>{p[0].item<double>(), p[1].item<double>(), p[2].item<double>()};
  };
  const auto expect = [&](double f, double unit) {
    for (int t = 0; t < 4; ++t) {
      const double z = (700 + 10 * t) * unit;
      const auto p = point(t);
      EXPECT_NEAR(p[0], (150 - 160) * z / f, 1e-5);
      EXPECT_NEAR(p[1], (100 - 120) * z / f, 1e-5);
      EXPECT_NEAR(p[2], z, 1e-5);
    }
  };
  expect(280, 1.0 / 300);
  options_.normalise = "metres";
  expect(280, 0.004);
  options_.intrinsics = "metric";
  expect(285.63, 0.004);
  options_.depth_scale = 0.001;
  expect(285.63, 0.001);
  options_.normalise = "unit-sphere";
  const torch::Tensor flat = Open().Load(0).points.reshape({-1, 3});
  EXPECT_NEAR(flat.norm(2, 1).max().item<double>(), 1, 1e-5);
  EXPECT_NEAR(flat.mean(0).abs().max().item<double>(), 0, 1e-5);
}

TEST_F(MsrAction3dTest, SamplesDependOnSeedVideoAndFrameOnly) {
  Depth("a01_s01_e01", {100, 100, 100, 100, 100, 100});
  options_.clips = "all";
  const Clip first = Open().Load(0), second = Open().Load(1);
  EXPECT_TRUE(first.points[1].equal(second.points[0]));  // frame 1 of the video in both
  options_.points = 8;
  EXPECT_TRUE(Open().Load(0).points.equal(first.points.slice(1, 0, 8)));
  options_.sample_seed = 1;
  EXPECT_FALSE(Open().Load(0).points.equal(first.points.slice(1, 0, 8)));
}

TEST_F(MsrAction3dTest, EmptyFramesTakeTheNearest) {
  Depth("a01_s01_e01", {0, 50, 0, 40});
  const Clip clip = Open().Load(0);
  EXPECT_TRUE(clip.points[0].equal(clip.points[1]));
  EXPECT_TRUE(clip.points[2].equal(clip.points[1]));
  EXPECT_FALSE(clip.points[3].equal(clip.points[1]));
  Depth("a01_s01_e01", {0, 0, 0, 0});
  EXPECT_THAT(LoadError(),
              AllOf(HasSubstr("a01_s01_e01_sdepth.bin"),
                    HasSubstr("none of the clip's 4 frames"),
                    HasSubstr("valid point")));
  fs::remove(root() / "a01_s01_e01_sdepth.bin");
  Points("a01_s01_e01", {0, 0});
  EXPECT_THAT(LoadError(), HasSubstr("valid point"));
}

TEST_F(MsrAction3dTest, UnreadableVideosFailOrAreLeftOut) {
  Depth("a01_s01_e01", {40, 40});
  WriteText(root() / "a01_s06_e01_sdepth.bin", DepthFile({40, 40}).substr(0, 400000));
  EXPECT_THAT(Ids(), SizeIs(2));  // the middle needs no length
  EXPECT_THAT(Refusal([this] { Open().Load(1); }), HasSubstr("truncated in frame 1"));
  options_.clips = "2";
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("a01_s06_e01_sdepth.bin"), HasSubstr("truncated")));
  options_.on_error = "skip";
  const MsrAction3d data = Open();
  EXPECT_TRUE(data.skip_unreadable());
  EXPECT_THAT(data.clips(), SizeIs(1));
  EXPECT_EQ(data.problems()[0].file, (root() / "a01_s06_e01_sdepth.bin").string());
}

TEST_F(MsrAction3dTest, SaysWhichFolderLooksRight) {
  options_.root = (folder_ / "nowhere").string();
  EXPECT_THAT(OpenError(), HasSubstr("is no folder"));
  options_.root = root().string();
  EXPECT_THAT(OpenError(),
              AllOf(HasSubstr("is empty"), HasSubstr("aAA_sSS_eEE_sdepth.bin or .npz")));
  WriteText(root() / "notes.txt", "x");
  EXPECT_THAT(OpenError(), HasSubstr("has none"));
  Depth("a01_s01_e01", {40});
  options_.root = folder_.path().string();
  EXPECT_THAT(OpenError(), HasSubstr("the folder " + root().string() + " in it looks right"));
  fs::create_directories(root() / "inner");
  options_.root = (root() / "inner").string();
  EXPECT_THAT(OpenError(), HasSubstr("its parent looks right: give " + root().string()));
  options_.root = root().string();
  options_.form = "points";
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("aAA_sSS_eEE_sdepth.npz"), HasSubstr("\"depth\"")));
}

TEST_F(MsrAction3dTest, AFolderNamedDepthIsLookedInto) {
  WriteText(root() / "Depth" / "a01_s01_e01_sdepth.bin", DepthFile({40}));
  EXPECT_THAT(Ids(), ElementsAre("a01_s01_e01"));
}

TEST_F(MsrAction3dTest, FingerprintFollowsNamesAndSizes) {
  Depth("a01_s01_e01", {20});
  const std::string before = Open().Fingerprint();
  fs::rename(root(), folder_ / "elsewhere");
  options_.root = (folder_ / "elsewhere").string();
  EXPECT_EQ(Open().Fingerprint(), before);
  fs::rename(folder_ / "elsewhere", root());
  options_.root = root().string();
  Depth("a01_s01_e01", {20, 20});
  EXPECT_NE(Open().Fingerprint(), before);
}

}  // namespace
}  // namespace cross4d::test
