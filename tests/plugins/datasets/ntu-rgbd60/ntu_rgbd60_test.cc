// SPDX-License-Identifier: Apache-2.0
// On files that the test writes; bad_input_test.cc has the damaged ones.
#include "ntu_rgbd60.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <set>

#include "ntu_folder.h"

namespace cross4d::test {
namespace {

namespace fs = std::filesystem;
using ntu_rgbd60::NtuRgbd60;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using NtuRgbd60Test = NtuFolder;

constexpr const char* kFirst = "S001C001P001R001A001";

TEST_F(NtuRgbd60Test, IndexAndSplitsComeFromNames) {
  for (const char* id : {"S001C001P003R001A010",  // test performer
                         "S001C002P001R001A002",
                         "S001C001P001R001A002",
                         "S001C003P038R002A060",
                         "S018C001P045R001A061"}) {  // of NTU RGB+D 120
    fs::create_directories(root() / id);
  }
  std::ofstream(root() / "readme.txt") << "x";
  std::vector<std::string> log;
  context_.log = [&](std::string_view line) { log.emplace_back(line); };
  EXPECT_THAT(Ids(),
              ElementsAre("S001C001P001R001A002",
                          "S001C001P003R001A010",
                          "S001C002P001R001A002",
                          "S001C003P038R002A060"));
  EXPECT_THAT(log, ElementsAre(HasSubstr("1 videos of the actions 61 to 120")));
  const auto tests = [&](const char* split) {
    options_.split = split;
    std::set<std::string> ids;
    const NtuRgbd60 data = Open();
    for (const ClipInfo& clip : data.clips()) {
      if (clip.split == Split::kTest) ids.insert(clip.id);
    }
    return ids;
  };
  EXPECT_THAT(tests("cross-subject"), ElementsAre("S001C001P003R001A010"));
  EXPECT_THAT(tests("cross-view"), ElementsAre("S001C001P001R001A002", "S001C001P003R001A010"));
  EXPECT_THAT(tests("validation"), ElementsAre("S001C003P038R002A060"));
  EXPECT_THAT(Ids(), SizeIs(3));  // no test performer
  const NtuRgbd60 data = Open();
  EXPECT_EQ(data.clips()[2].label, 59);
  EXPECT_EQ(data.clips()[2].subject, 38);
  options_.validation_subjects = {3};
  EXPECT_THAT(OpenError(), HasSubstr("validation_subjects has 3, expected training subjects"));
}

TEST_F(NtuRgbd60Test, VideosWithMissingSkeletonsCanBeLeftOut) {
  for (const char* id : {"S001C002P005R002A008", "S001C002P005R002A009"}) {
    fs::create_directories(root() / id);
  }
  EXPECT_THAT(Ids(), SizeIs(2));
  options_.exclude_missing_skeletons = true;
  EXPECT_THAT(Ids(), ElementsAre("S001C002P005R002A009"));
}

TEST_F(NtuRgbd60Test, UnprojectsByEitherCamera) {
  AddImages(kFirst, {1, 1, 1, 1});
  const auto point = [&](int t) {
    const auto p = Open().Load(0).points[t][31];
    return std::array{p[0].item<double>(), p[1].item<double>(), p[2].item<double>()};
  };
  for (int t = 0; t < 4; ++t) {
    const double z = 3.0 + 0.01 * t;
    EXPECT_NEAR(point(t)[0], (240 - 256) * z / 280, 1e-6);
    EXPECT_NEAR(point(t)[1], (200 - 212) * z / 280, 1e-6);
    EXPECT_NEAR(point(t)[2], z, 1e-6);
  }
  options_.normalise = "published-unit";
  EXPECT_NEAR(point(1)[2], 3010 / 65535.0 * 100, 1e-5);
  options_.normalise = "metres";
  options_.intrinsics = "metric";
  EXPECT_NEAR(point(2)[0], (240 - 257.346) * 3.02 / 365.481, 1e-6);
  EXPECT_NEAR(point(2)[1], (200 - 210.347) * 3.02 / 365.481, 1e-6);
}

TEST_F(NtuRgbd60Test, UnitSphereIsTheDefault) {
  EXPECT_EQ(ntu_rgbd60::Options().normalise, "unit-sphere");
  AddImages(kFirst, {400, 400, 400, 400});
  options_.normalise = "unit-sphere";
  const auto points = Open().Load(0).points.reshape({-1, 3}).to(torch::kFloat64);
  EXPECT_NEAR(points.mean(0).abs().max().item<double>(), 0, 1e-6);
  EXPECT_NEAR(points.norm(2, 1).max().item<double>(), 1, 1e-6);
}

// The published points keep every pixel, so either form can stand for the other.
TEST_F(NtuRgbd60Test, ImagesAndPointsGiveTheSameBytes) {
  const auto frames = Frames({300, 20, 0, 500, 33});
  AddImages(kFirst, {300, 20, 0, 500, 33});
  WritePoints(folder_ / (std::string(kFirst) + ".npz"), frames);
  for (const char* camera : {"published", "metric"}) {
    options_.intrinsics = camera;
    options_.root = root().string();
    const Clip images = Open().Load(0);
    options_.root = folder_.path().string();
    options_.form = "points";
    const Clip points = Open().Load(0);
    EXPECT_TRUE(images.points.equal(points.points)) << camera;
    options_.form = "auto";
  }
  // Frames of one size make NumPy write a plain array.
  const auto equal = Frames({70, 70, 70, 70});
  fs::remove_all(root());
  AddImages(kFirst, {70, 70, 70, 70});
  WritePoints(folder_ / (std::string(kFirst) + ".npz"), equal, true);
  options_.root = root().string();
  const Clip images = Open().Load(0);
  options_.root = folder_.path().string();
  EXPECT_TRUE(images.points.equal(Open().Load(0).points));
}

TEST_F(NtuRgbd60Test, EmptyFramesTakeTheirNeighbours) {
  AddImages(kFirst, {0, 50, 0, 40});
  const Clip clip = Open().Load(0);
  EXPECT_TRUE(clip.points[0].equal(clip.points[1]));
  EXPECT_TRUE(clip.points[2].equal(clip.points[1]));  // of two equally near ones the earlier
  EXPECT_FALSE(clip.points[3].equal(clip.points[1]));
}

TEST_F(NtuRgbd60Test, FewerPointsAreTheFirstOfMoreAndSeedsDiffer) {
  AddImages(kFirst, {500, 500, 500, 500});
  const Clip many = Open().Load(0);
  options_.points = 8;
  const Clip few = Open().Load(0);
  EXPECT_TRUE(few.points.equal(many.points.slice(1, 0, 8)));
  options_.sample_seed = 1;
  EXPECT_FALSE(few.points.equal(Open().Load(0).points));
}

TEST_F(NtuRgbd60Test, ShortVideosArePaddedOrDropped) {
  AddImages("S001C001P001R001A001", {40, 41});
  AddImages("S001C001P001R001A002", {40, 41, 42, 43, 44, 45, 46, 47, 48});
  options_.stride = 2;  // 4 frames need 7
  const Clip padded = Open().Load(0);
  EXPECT_FALSE(padded.points[0].equal(padded.points[1]));  // frames 0, 1, 1, 1
  EXPECT_TRUE(padded.points[1].equal(padded.points[3]));
  options_.legacy_drop_short = true;
  std::vector<std::string> log;
  context_.log = [&](std::string_view line) { log.emplace_back(line); };
  EXPECT_THAT(Ids(), ElementsAre("S001C001P001R001A002"));
  EXPECT_THAT(log, ElementsAre(HasSubstr("1 of 2 videos")));
  options_.clips = "all";
  EXPECT_THAT(Ids(), ElementsAre("S001C001P001R001A002@0", "S001C001P001R001A002@2"));
}

TEST_F(NtuRgbd60Test, AListChoosesVideosAndSparesCounting) {
  for (int action = 1; action <= 3; ++action) {
    AddImages("S001C001P001R001A00" + std::to_string(action), {40, 40, 40, 40, 40});
  }
  options_.list = (folder_ / "my.list").string();
  WriteBytes(options_.list, "S001C001P001R001A003 5\nS001C001P001R001A001 5\n");
  EXPECT_THAT(Ids(), ElementsAre("S001C001P001R001A001", "S001C001P001R001A003"));
  options_.clips = "all";
  fs::remove_all(root() / "S001C001P001R001A001" / "MDepth-00000005.png");
  EXPECT_THAT(Ids(), ElementsAre("S001C001P001R001A001@0", "S001C001P001R001A003@0"));
  EXPECT_THAT(LoadError(0), HasSubstr("has 4 frames, " + options_.list + " says 5"));
  EXPECT_THAT(LoadError(1), IsEmpty());
}

TEST_F(NtuRgbd60Test, FingerprintFollowsVideosAndTheirFrames) {
  AddImages(kFirst, {20, 20});
  AddImages("S001C001P001R001A002", {20, 20});
  const std::string before = Open().Fingerprint();
  EXPECT_EQ(before, Open().Fingerprint());
  options_.clips = "all";
  EXPECT_EQ(before, Open().Fingerprint());  // several clips of a video count once
  WritePng(root() / kFirst / "MDepth-00000003.png", Block(3, 1000));
  EXPECT_NE(before, Open().Fingerprint());
}

}  // namespace
}  // namespace cross4d::test
