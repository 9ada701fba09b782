// SPDX-License-Identifier: Apache-2.0
// On files that the test writes; utd_mhad_data_test.cc has the real ones.
#include "utd_mhad.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "mat_writer.h"
#include "tests/support/temp_folder.h"

namespace cross4d::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using utd_mhad::Options;
using utd_mhad::UtdMhad;

constexpr std::int32_t kRows = 240, kColumns = 320;
constexpr std::uint32_t kMatUint16 = 4, kMatDouble = 9;

// A block of `valid` pixels from row 100, column 150 on; depth = 2000 mm + 10 * frame.
Bytes DepthFile(const std::vector<int>& valid_per_frame) {
  const auto frames = static_cast<std::int32_t>(valid_per_frame.size());
  std::vector<std::uint16_t> depth(
      static_cast<std::size_t>(kRows) * kColumns * valid_per_frame.size(), 0);
  for (std::int32_t t = 0; t < frames; ++t) {
    for (int i = 0; i < valid_per_frame[static_cast<std::size_t>(t)]; ++i) {
      const int row = 100 + i % 10 + 10 * (i / 1500), column = 150 + i / 10 % 150;
      depth[static_cast<std::size_t>((t * kColumns + column) * kRows + row)] =
          static_cast<std::uint16_t>(2000 + 10 * t);
    }
  }
  return MatFile(MatMatrix({kRows, kColumns, frames}, kMatUint16, AsBytes(depth)));
}

// Joint j of every frame at (0, -j / 10, 2): head on top (y up in the file).
Bytes SkeletonFile(std::int32_t frames) {
  std::vector<double> joints;
  for (std::int32_t t = 0; t < frames; ++t) {
    for (int j = 0; j < 20; ++j) joints.push_back(0);
    for (int j = 0; j < 20; ++j) joints.push_back(-0.1 * j);
    for (int j = 0; j < 20; ++j) joints.push_back(2);
  }
  return MatFile(MatMatrix({20, 3, frames}, kMatDouble, AsBytes(joints)));
}

class UtdMhadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root() / "Depth");
    fs::create_directories(root() / "Skeleton");
    options_.root = root().string();
    options_.frames = 4;
    options_.points = 32;
    options_.part_labels = false;
  }
  fs::path root() const { return folder_ / "UTD-MHAD"; }
  void Add(const std::string& id, const std::vector<int>& valid_per_frame) {
    WriteFile(root() / "Depth" / (id + "_depth.mat"), DepthFile(valid_per_frame));
    WriteFile(root() / "Skeleton" / (id + "_skeleton.mat"),
              SkeletonFile(static_cast<std::int32_t>(valid_per_frame.size())));
  }
  std::string LoadError() const {
    return ErrorOf([this] { UtdMhad(options_, {}).Load(0); });
  }
  std::string OpenError() const {
    return ErrorOf([this] { UtdMhad(options_, {}); });
  }
  template <class F>
  static std::string ErrorOf(const F& action) {
    try {
      action();
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }

  TempFolder folder_;
  Options options_;
};

TEST_F(UtdMhadTest, IndexComesFromNamesInNumericOrder) {
  for (const char* id : {"a10_s1_t1", "a2_s2_t1", "a2_s1_t2", "a2_s1_t1"}) Add(id, {20});
  for (const char* other : {"a0_s1_t1_depth.mat",
                            "a1_s1_depth.mat",
                            "a01_s1_t1_depth.mat",
                            "notes.txt",
                            "a1_s1_t1_depth.mat.part",
                            "ba1_s1_t1_depth.mat"}) {
    std::ofstream(root() / "Depth" / other) << "x";
  }
  const UtdMhad data(options_, {});
  std::vector<std::string> ids;
  for (const ClipInfo& clip : data.clips()) ids.push_back(clip.id);
  EXPECT_THAT(ids, ElementsAre("a2_s1_t1", "a2_s1_t2", "a2_s2_t1", "a10_s1_t1"));
  EXPECT_EQ(data.clips()[0].label, 1);
  EXPECT_EQ(data.clips()[3].label, 9);
  EXPECT_EQ(data.clips()[2].subject, 2);
  EXPECT_EQ(data.clips()[2].split, Split::kTest);
  EXPECT_EQ(data.clips()[3].split, Split::kTrain);
}

TEST_F(UtdMhadTest, ValidationHoldsOutTrainingSubjectsOnly) {
  for (int s = 1; s <= 8; ++s) Add("a1_s" + std::to_string(s) + "_t1", {20});
  options_.split = "validation";
  options_.validation_subjects = {5, 7};
  const UtdMhad data(options_, {});
  using Seen = std::pair<std::int64_t, bool>;  // subject, tests
  std::set<Seen> seen;
  for (const ClipInfo& clip : data.clips()) seen.emplace(clip.subject, clip.split == Split::kTest);
  EXPECT_THAT(seen, ElementsAre(Seen(1, false), Seen(3, false), Seen(5, true), Seen(7, true)));
  options_.validation_subjects = {4};
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("4"), HasSubstr("odd")));
}

TEST_F(UtdMhadTest, StrideMakesClips) {
  Add("a1_s1_t1", {20, 20, 20, 20, 20, 20, 20});
  Add("a1_s1_t2", {20, 20});
  options_.frame_mode = "stride";
  const auto ids = [&] {
    const UtdMhad data(options_, {});
    std::vector<std::string> ids;
    for (const ClipInfo& clip : data.clips()) ids.push_back(clip.id);
    return ids;
  };
  EXPECT_THAT(ids(), ElementsAre("a1_s1_t1", "a1_s1_t2"));
  options_.clips = "all";
  options_.clip_step = 2;
  EXPECT_THAT(ids(), ElementsAre("a1_s1_t1@0", "a1_s1_t1@2", "a1_s1_t2@0"));
  const UtdMhad data(options_, {});
  EXPECT_EQ(data.clips()[1].video, "a1_s1_t1");
  EXPECT_TRUE(data.Load(1).points[0].equal(data.Load(0).points[2]));
  EXPECT_TRUE(data.Load(2).points[3].equal(data.Load(2).points[1]));  // too short: the last repeats
  options_.legacy_drop_short = true;
  EXPECT_THAT(ids(), ElementsAre("a1_s1_t1@0", "a1_s1_t1@2"));
  options_.clips = "some";
  EXPECT_THAT(OpenError(), HasSubstr("dataset.clips"));
}

TEST_F(UtdMhadTest, SkipsWhatTheIndexCannotRead) {
  Add("a1_s1_t1", {20, 20});
  Add("a1_s1_t2", {20, 20});
  const auto depth = root() / "Depth" / "a1_s1_t1_depth.mat";
  WriteFile(depth, MatFile(MatMatrix({320, 240, 1}, kMatUint16, Bytes(320 * 240 * 2))));
  options_.frame_mode = "stride";
  options_.clips = "2";
  EXPECT_THAT(OpenError(), HasSubstr("expected 240 rows x 320 columns"));
  options_.on_error = "skip";
  const UtdMhad data(options_, {});
  EXPECT_TRUE(data.skip_unreadable());
  EXPECT_THAT(data.clips(), SizeIs(1));
  ASSERT_THAT(data.problems(), SizeIs(1));
  EXPECT_EQ(data.problems()[0].file, depth.string());
}

TEST_F(UtdMhadTest, UnprojectsToMetres) {
  Add("a1_s1_t1", {1, 1, 1, 1});
  const Clip clip = UtdMhad(options_, {}).Load(0);
  ASSERT_THAT(clip.points.sizes(), ElementsAre(4, 32, 3));
  EXPECT_FALSE(clip.part_labels.defined());
  for (int t = 0; t < 4; ++t) {
    const double z = 2.0 + 0.01 * t;
    const auto p = clip.points[t][31];
    EXPECT_NEAR(p[0].item<double>(), (150 - 160) * z / 285.63, 1e-6);
    EXPECT_NEAR(p[1].item<double>(), (100 - 120) * z / 285.63, 1e-6);
    EXPECT_NEAR(p[2].item<double>(), z, 1e-6);
  }
}

TEST_F(UtdMhadTest, SamplesWithoutReplacementAndRepeatsWhenTooFew) {
  Add("a1_s1_t1", {100, 20, 32, 33});
  const Clip clip = UtdMhad(options_, {}).Load(0);
  const auto distinct = [&](int t) {
    std::map<std::pair<float, float>, int> times;
    const torch::Tensor frame = clip.points[t];
    const auto p = frame.accessor<float, 2>();
    for (int i = 0; i < 32; ++i) ++times[{p[i][0], p[i][1]}];
    int most = 0;
    for (const auto& [xy, n] : times) most = std::max(most, n);
    return std::pair(static_cast<int>(times.size()), most);
  };
  EXPECT_EQ(distinct(0), std::pair(32, 1));
  EXPECT_EQ(distinct(1), std::pair(20, 2));
  EXPECT_EQ(distinct(2), std::pair(32, 1));
}

TEST_F(UtdMhadTest, FewerPointsAreTheFirstOfMore) {
  Add("a1_s1_t1", {100, 100, 100, 100});
  const Clip many = UtdMhad(options_, {}).Load(0);
  options_.points = 8;
  const Clip few = UtdMhad(options_, {}).Load(0);
  EXPECT_TRUE(few.points.equal(many.points.slice(1, 0, 8)));
  options_.sample_seed = 1;
  EXPECT_FALSE(few.points.equal(UtdMhad(options_, {}).Load(0).points));
}

TEST_F(UtdMhadTest, EmptyFramesRepeatTheNearest) {
  Add("a1_s1_t1", {0, 50, 0, 40});
  const Clip clip = UtdMhad(options_, {}).Load(0);
  EXPECT_TRUE(clip.points[0].equal(clip.points[1]));
  EXPECT_TRUE(clip.points[2].equal(clip.points[1]));  // of two equally near ones the earlier
  EXPECT_FALSE(clip.points[3].equal(clip.points[1]));
}

TEST_F(UtdMhadTest, PartsComeFromTheNearestBone) {
  Add("a1_s1_t1", {50, 50, 50, 50});
  options_.part_labels = true;
  const UtdMhad data(options_, {});
  const Clip clip = data.Load(0);
  EXPECT_THAT(data.part_names(), SizeIs(6));
  // All pixels lie 7 to 14 cm above the camera's axis, where the file's column of joints has head
  // and neck 0 and 10 cm below it.
  EXPECT_TRUE(clip.part_labels.eq(0).all().item<bool>());
}

TEST_F(UtdMhadTest, NamesWhatIsWrongWithAClip) {
  Add("a1_s1_t1", {0, 0, 0, 0});
  EXPECT_THAT(LoadError(),
              AllOf(HasSubstr("a1_s1_t1_depth.mat"), HasSubstr("no"), HasSubstr("valid pixel")));

  const auto depth = root() / "Depth" / "a1_s1_t1_depth.mat";
  Bytes bytes = DepthFile({5000, 5000, 5000, 5000});
  bytes.resize(bytes.size() - 40);
  WriteFile(depth, bytes);
  EXPECT_THAT(LoadError(),
              AllOf(HasSubstr("a1_s1_t1_depth.mat"), HasSubstr("byte"), HasSubstr("truncated")));

  WriteFile(depth, MatFile(MatMatrix({320, 240, 1}, kMatUint16, Bytes(320 * 240 * 2))));
  EXPECT_THAT(LoadError(),
              AllOf(HasSubstr("320 x 240"), HasSubstr("expected 240 rows x 320 columns")));

  // The element's size fits, its data ends early: the message says in which frame.
  Bytes matrix = MatMatrix({kRows, kColumns, 3}, kMatUint16, Bytes(kRows * kColumns * 2 * 3));
  matrix.resize(matrix.size() - kRows * kColumns * 2 - 10);
  WriteFile(depth, MatFile(matrix));
  EXPECT_THAT(LoadError(), HasSubstr("frame 1 of 3"));

  Add("a1_s1_t1", {50, 50});
  WriteFile(root() / "Skeleton" / "a1_s1_t1_skeleton.mat", SkeletonFile(3));
  EXPECT_EQ(LoadError(), "no error");
  options_.part_labels = true;
  EXPECT_THAT(LoadError(), AllOf(HasSubstr("skeleton.mat: 3 frames"), HasSubstr("expected 2")));
  fs::remove(root() / "Skeleton" / "a1_s1_t1_skeleton.mat");
  EXPECT_THAT(LoadError(), AllOf(HasSubstr("skeleton.mat"), HasSubstr("cannot be opened")));
}

TEST_F(UtdMhadTest, SaysWhichFolderLooksRight) {
  options_.root = (folder_ / "nowhere").string();
  EXPECT_THAT(OpenError(), HasSubstr("is no folder"));
  options_.root = root().string();
  EXPECT_THAT(OpenError(),
              AllOf(HasSubstr("Depth/aA_sS_tT_depth.mat"), Not(HasSubstr("looks right"))));
  Add("a1_s1_t1", {20});
  EXPECT_EQ(OpenError(), "no error");
  options_.root = (root() / "Depth").string();
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("Depth folder itself"), HasSubstr(root().string())));
  options_.root = (root() / "Skeleton").string();
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("parent looks right"), HasSubstr(root().string())));
  options_.root = folder_.path().string();
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("looks right"), HasSubstr(root().string())));
  Add("a28_s1_t1", {20});
  options_.root = root().string();
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("a28_s1_t1"), HasSubstr("expected 1 to 27")));
}

TEST_F(UtdMhadTest, FingerprintFollowsNamesAndSizes) {
  Add("a1_s1_t1", {20});
  Add("a1_s2_t1", {20});
  const std::string before = UtdMhad(options_, {}).Fingerprint();
  EXPECT_EQ(before, UtdMhad(options_, {}).Fingerprint());
  fs::rename(root(), folder_ / "elsewhere");
  options_.root = (folder_ / "elsewhere").string();
  EXPECT_EQ(before, UtdMhad(options_, {}).Fingerprint());
  fs::rename(folder_ / "elsewhere", root());
  options_.root = root().string();
  Add("a1_s2_t1", {20, 20, 20});
  EXPECT_NE(before, UtdMhad(options_, {}).Fingerprint());
}

}  // namespace
}  // namespace cross4d::test
