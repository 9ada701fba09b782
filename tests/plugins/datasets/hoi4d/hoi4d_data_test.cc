// SPDX-License-Identifier: Apache-2.0
// On the samples of every form in $CROSS4D_TEST_DATA/data/format_samples/hoi4d (h5py and NumPy
// wrote them) and the published lists of names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "hoi4d.h"
#include "tests/support/temp_folder.h"

namespace cross4d::hoi4d {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class Hoi4dData : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("CROSS4D_TEST_DATA");
    data_ = fs::path(data == nullptr ? "" : data) / "data";
    if (!fs::is_directory(samples())) {
      GTEST_SKIP() << "no samples at '" << samples().string() << "'; set CROSS4D_TEST_DATA";
    }
  }
  fs::path samples() const { return data_ / "format_samples" / "hoi4d"; }
  Hoi4d Open(const fs::path& root) {
    options_.root = root.string();
    return {options_, {}};
  }

  fs::path data_;
  Options options_;
};

TEST_F(Hoi4dData, Hdf5OfEitherLayout) {
  options_.points = 256;  // all points of a frame
  const Hoi4d plain = Open(samples() / "h5");
  const Hoi4d packed = Open(samples() / "h5" / "train1_chunked_gzip.h5");
  EXPECT_THAT(plain.clips(), SizeIs(2));
  for (std::int64_t i = 0; i < 2; ++i) {
    const Clip a = plain.Load(i), b = packed.Load(i);
    ASSERT_THAT(a.points.sizes(), ElementsAre(24, 256, 3));
    EXPECT_TRUE(a.points.equal(b.points));
    EXPECT_TRUE(a.part_labels.equal(b.part_labels));
    EXPECT_GT(a.points.select(2, 2).min().item<float>(), 2);
    EXPECT_GE(a.part_labels.min().item<std::int64_t>(), 2);  // body parts + 2
    EXPECT_LE(a.part_labels.max().item<std::int64_t>(), 7);
  }
}

TEST_F(Hoi4dData, Actions) {
  options_.task = "action";
  const Hoi4d data = Open(samples() / "h5" / "actionseg_train1.h5");
  EXPECT_THAT(data.clips(), SizeIs(2));
  const auto labels = data.Load(1).part_labels;
  EXPECT_TRUE(labels.eq(labels.slice(1, 0, 1)).all().item<bool>());
  EXPECT_LT(labels.max().item<std::int64_t>(), 19);
  EXPECT_GE(labels.min().item<std::int64_t>(), 0);
}

TEST_F(Hoi4dData, OneFilePerFrame) {
  options_.frames = 3;
  options_.points = 16;
  for (const char* form : {"npz", "text"}) {
    options_.form = form;
    const Hoi4d data = Open(samples());
    ASSERT_THAT(data.clips(), SizeIs(1)) << form;
    const Clip clip = data.Load(0);
    EXPECT_NEAR(clip.points.select(2, 2).mean().item<float>(), 2.75, 0.2) << form;
    EXPECT_GE(clip.part_labels.min().item<std::int64_t>(), 2) << form;
  }
}

TEST_F(Hoi4dData, TheReleasedNamesAreSplitByObject) {
  const test::TempFolder folder;
  std::ifstream list(data_ / "lists" / "release.txt");
  for (std::string name; std::getline(list, name);) fs::create_directories(folder / name / "npz");
  const Hoi4d data = Open(folder.path());
  EXPECT_THAT(data.clips(), SizeIs(2971));
  std::set<std::string> train, test;
  std::set<std::int64_t> categories;
  std::int64_t tests = 0;
  for (const ClipInfo& clip : data.clips()) {
    categories.insert(clip.label);
    const bool is_test = clip.split == Split::kTest;
    tests += is_test ? 1 : 0;
    const std::size_t begin = clip.id.find("/C"), end = clip.id.find("/S");
    (is_test ? test : train).insert(clip.id.substr(begin, end - begin));
  }
  EXPECT_EQ(tests, 679);
  EXPECT_EQ(train.size() + test.size(), 646u);
  for (const std::string& object : test) EXPECT_FALSE(train.contains(object)) << object;
  EXPECT_THAT(categories, SizeIs(16));
}

}  // namespace
}  // namespace cross4d::hoi4d
