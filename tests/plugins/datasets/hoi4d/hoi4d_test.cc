// SPDX-License-Identifier: Apache-2.0
// The HDF5 files, as the test writes them; hoi4d_data_test.cc has samples made elsewhere.
#include "hoi4d.h"

#include <gmock/gmock.h>

#include <chrono>
#include <set>

#include "hoi4d_folder.h"

namespace cross4d::test {
namespace {

using hoi4d::Hoi4d;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Hoi4dTest = Hoi4dFolder;
using Counts = std::pair<std::int64_t, std::int64_t>;

TEST_F(Hoi4dTest, PointsAndLabelsStayTogether) {
  Write("train1.h5");
  const Hoi4d data = Open();
  EXPECT_THAT(Ids(), ElementsAre("train1/0000", "train1/0001*"));
  EXPECT_THAT(data.part_names(), SizeIs(49));
  EXPECT_THAT(data.class_names(), IsEmpty());
  EXPECT_EQ(data.clips()[0].label, -1);
  for (std::int64_t s = 0; s < 2; ++s) {
    const Clip clip = data.Load(s);
    ASSERT_THAT(clip.points.sizes(), ElementsAre(4, 32, 3));
    ASSERT_THAT(clip.part_labels.sizes(), ElementsAre(4, 32));
    std::set<std::int64_t> points;
    for (int i = 0; i < 4; ++i) {
      for (int k = 0; k < 32; ++k) {
        const auto xyz = clip.points[i][k];
        EXPECT_EQ(xyz[0].item<double>(), static_cast<double>(s + 1));
        EXPECT_EQ(xyz[2].item<double>(), 2);
        const int t = i + 1;  // the middle four of six frames
        const auto p = static_cast<std::int64_t>((xyz[1].item<double>() - t) * 1024);
        const std::int64_t id = (s + t + p) % 49;
        EXPECT_EQ(clip.part_labels[i][k].item<std::int64_t>(), id < 2 ? -1 : id);
        if (i == 0) points.insert(p);
      }
    }
    EXPECT_THAT(points, SizeIs(32));  // drawn without replacement
  }
}

TEST_F(Hoi4dTest, IgnoredClassesAreAnOption) {
  Write("train1.h5");
  options_.ignore_classes = {};
  EXPECT_GE(Open().Load(0).part_labels.min().item<std::int64_t>(), 0);
  options_.ignore_classes = {5, 6, 7, 8, 9, 10};
  const auto labels = Open().Load(0).part_labels;
  EXPECT_FALSE(labels.eq(7).any().item<bool>());
  EXPECT_TRUE(labels.eq(-1).any().item<bool>());
}

TEST_F(Hoi4dTest, ActionsAreTheLabelsOfWholeFrames) {
  Hdf5Spec spec;
  spec.labels = "label";
  spec.label_type = "u8";
  Write("train1.h5", spec);
  options_.task = "action";
  const Hoi4d data = Open();
  EXPECT_THAT(data.part_names(), SizeIs(19));
  const Clip clip = data.Load(1);
  for (int i = 0; i < 4; ++i) {  // actions 0 and 1 are not ignored
    EXPECT_TRUE(clip.part_labels[i].eq(i + 2).all().item<bool>());
  }
  EXPECT_EQ(data.clips()[1].label, -1);
}

TEST_F(Hoi4dTest, FewerPointsAreTheFirstOfMoreAndSeedsDiffer) {
  Write("train1.h5");
  const Clip many = Open().Load(0);
  options_.points = 8;
  const Clip few = Open().Load(0);
  EXPECT_TRUE(few.points.equal(many.points.slice(1, 0, 8)));
  EXPECT_TRUE(few.part_labels.equal(many.part_labels.slice(1, 0, 8)));
  options_.sample_seed = 1;
  EXPECT_FALSE(few.points.equal(Open().Load(0).points));
  options_.points = 40;  // all of them, in the file's order
  EXPECT_TRUE(Open().Load(0).points[0].select(1, 1).diff().gt(0).all().item<bool>());
}

TEST_F(Hoi4dTest, LayoutDoesNotMatter) {
  Hdf5Spec spec;
  Write("train1.h5", spec);
  options_.normalise = "unit-sphere";
  const Clip plain = Open().Load(1);
  EXPECT_NEAR(plain.points.norm(2, 2).max().item<double>(), 1, 1e-6);
  spec.layout = "gzip";
  spec.doubles = true;
  spec.label_type = "i8";
  Write("train1.h5", spec);
  const Clip packed = Open().Load(1);
  EXPECT_TRUE(plain.points.equal(packed.points));
  EXPECT_TRUE(plain.part_labels.equal(packed.part_labels));
}

TEST_F(Hoi4dTest, EmptyAndMissingFramesAreFilled) {
  Hdf5Spec spec;
  spec.zero_frames = {0, 2, 4, 5};
  Write("train1.h5", spec);
  options_.frames = 6;
  const Clip clip = Open().Load(0);
  const auto frame_of = [&](int i) { return static_cast<int>(clip.points[i][0][1].item<float>()); };
  EXPECT_THAT(
      (std::array{frame_of(0), frame_of(1), frame_of(2), frame_of(3), frame_of(4), frame_of(5)}),
      ElementsAre(1, 1, 1, 3, 3, 3));
  EXPECT_TRUE(clip.points[2].equal(clip.points[1]));
  EXPECT_TRUE(clip.part_labels[2].equal(clip.part_labels[1]));
  // Six frames of twelve: the rest repeats the last one, which is empty and takes its neighbour.
  options_.frames = 12;
  const Clip padded = Open().Load(0);
  EXPECT_TRUE(padded.points.slice(0, 0, 6).equal(clip.points));
  for (int i = 6; i < 12; ++i) EXPECT_TRUE(padded.points[i].equal(clip.points[5])) << i;
  options_.legacy_drop_short = true;
  EXPECT_THAT(Ids(), IsEmpty());
  spec.zero_frames = {0, 1, 2, 3, 4, 5};
  Write("train1.h5", spec);
  options_.legacy_drop_short = false;
  EXPECT_THAT(LoadError(),
              AllOf(HasSubstr("train1.h5"), HasSubstr("clip train1/0000 has a point")));
}

TEST_F(Hoi4dTest, OfficialSplitTestsOnTheTestFiles) {
  Write("train1.h5");
  Write("train2.h5");
  options_.split = "official";
  EXPECT_THAT(OpenError(),
              AllOf(HasSubstr("test1_right.h5"), HasSubstr("dataset.split = \"holdout\"")));
  Hdf5Spec unlabelled;
  unlabelled.labels = "";
  unlabelled.sequences = 1;
  Write("test_wolabel.h5", unlabelled);
  EXPECT_THAT(
      Ids(),
      ElementsAre(
          "train1/0000", "train1/0001", "train2/0000", "train2/0001", "test_wolabel/0000*"));
  EXPECT_TRUE(Open().Load(4).part_labels.eq(-1).all().item<bool>());
  EXPECT_FALSE(Open().Load(0).part_labels.eq(-1).all().item<bool>());
  Write("test1_right.h5");
  Write("test1.h5");
  Write("test2.h5");
  EXPECT_THAT(Ids(),
              ElementsAre("train1/0000",
                          "train1/0001",
                          "train2/0000",
                          "train2/0001",
                          "test1_right/0000*",
                          "test1_right/0001*",
                          "test2/0000*",
                          "test2/0001*"));
  options_.split = "holdout";
  EXPECT_THAT(Ids(), ElementsAre("train1/0000", "train1/0001*", "train2/0000", "train2/0001*"));
}

// Files of the published numbers of sequences, without content.
TEST_F(Hoi4dTest, FullSizeCountsInTwoSeconds) {
  Hdf5Spec spec;
  spec.frames = 300;
  spec.points = 8192;
  spec.data = false;
  const std::pair<const char*, std::int64_t> files[] = {{"train1.h5", 750},
                                                        {"train2.h5", 750},
                                                        {"train3.h5", 750},
                                                        {"train4.h5", 721},
                                                        {"test1_right.h5", 500},
                                                        {"test2_right.h5", 392}};
  for (const auto& [name, rows] : files) {
    spec.sequences = rows;
    Write(name, spec);
  }
  const auto counts = [this] {
    const auto start = std::chrono::steady_clock::now();
    const Hoi4d data = Open();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("index of %zu clips: %.3f s\n", data.clips().size(), took.count());
    EXPECT_LT(took.count(), 2);
    Counts counts;
    for (const ClipInfo& clip : data.clips()) {
      ++(clip.split == Split::kTrain ? counts.first : counts.second);
    }
    return counts;
  };
  EXPECT_EQ(counts(), Counts(2376, 595));
  options_.split = "official";
  EXPECT_EQ(counts(), Counts(2971, 892));
  const auto reference = hoi4d::DescribeOptions().Read({{"root", options_.root},
                                                        {"split", std::string("official")},
                                                        {"preset", std::string("reference")}});
  options_ = reference;
  EXPECT_EQ(options_.points, 8192);
  EXPECT_EQ(counts(), Counts(297'100, 89'200));
}

TEST_F(Hoi4dTest, HoldoutIsTheLastFifthOfEveryFiftyRows) {
  std::vector<std::int64_t> rows;
  for (std::int64_t row = 0; row < 121; ++row) {
    if (hoi4d::IsHeldOutRow(row, 121)) rows.push_back(row);
  }
  EXPECT_THAT(rows,
              ElementsAre(40,
                          41,
                          42,
                          43,
                          44,
                          45,
                          46,
                          47,
                          48,
                          49,
                          90,
                          91,
                          92,
                          93,
                          94,
                          95,
                          96,
                          97,
                          98,
                          99,
                          116,
                          117,
                          118,
                          119,
                          120));
  EXPECT_FALSE(hoi4d::IsHeldOutRow(0, 1));
  EXPECT_TRUE(hoi4d::IsHeldOutRow(1, 2));
}

TEST_F(Hoi4dTest, FingerprintFollowsTheFiles) {
  Write("train1.h5");
  const std::string before = Open().Fingerprint();
  EXPECT_EQ(before, Open().Fingerprint());
  Hdf5Spec spec;
  spec.sequences = 3;
  Write("train1.h5", spec);
  EXPECT_NE(before, Open().Fingerprint());
}

}  // namespace
}  // namespace cross4d::test
