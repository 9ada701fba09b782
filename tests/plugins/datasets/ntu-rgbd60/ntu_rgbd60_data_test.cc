// SPDX-License-Identifier: Apache-2.0
// All counts on the official list of names, which $CROSS4D_TEST_DATA/data/lists has; as files of
// that many names stand empty ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "ntu_rgbd60.h"
#include "tests/support/temp_folder.h"

namespace cross4d::ntu_rgbd60 {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using Counts = std::pair<std::int64_t, std::int64_t>;  // train, test

class NtuList : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("CROSS4D_TEST_DATA");
    list_ = fs::path(data == nullptr ? "" : data) / "data" / "lists" / "ntu60.list";
    if (!fs::is_regular_file(list_)) {
      GTEST_SKIP() << "no list of names at '" << list_.string() << "'; set CROSS4D_TEST_DATA";
    }
    videos_ = ReadList(list_);
    // Made once, since making that many files takes seconds.
    static const test::TempFolder folder;
    options_.root = folder.path().string();
    if (!fs::is_empty(folder.path())) return;
    for (const Video& video : videos_) std::ofstream(folder / (video.id() + ".npz"));
  }
  Counts Open() {
    PluginContext context;
    context.log = [this](std::string_view line) { log_ += line; };
    const auto start = std::chrono::steady_clock::now();
    const NtuRgbd60 data(options_, context);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    seconds_ = took.count();
    Counts counts;
    for (const ClipInfo& clip : data.clips()) {
      ++(clip.split == Split::kTrain ? counts.first : counts.second);
    }
    return counts;
  }

  fs::path list_;
  std::vector<Video> videos_;
  Options options_;
  std::string log_;
  double seconds_ = 0;
};

TEST_F(NtuList, HasTheOfficialCounts) {
  ASSERT_THAT(videos_, SizeIs(56'880));
  EXPECT_EQ(Open(), Counts(40'320, 16'560));
  std::printf("index of 56,880 names: %.3f s\n", seconds_);
  EXPECT_LT(seconds_, 2);
  options_.split = "cross-view";
  EXPECT_EQ(Open(), Counts(37'920, 18'960));
  EXPECT_LT(seconds_, 2);
  options_.exclude_missing_skeletons = true;
  EXPECT_EQ(Open(), Counts(37'646, 18'932));
  options_.split = "cross-subject";
  EXPECT_EQ(Open(), Counts(40'091, 16'487));
  options_.exclude_missing_skeletons = false;
  options_.split = "validation";
  EXPECT_EQ(Open(), Counts(35'640, 4'680));
}

TEST_F(NtuList, ShortVideosAndClipsAreThePublishedOnes) {
  options_.list = list_.string();
  EXPECT_EQ(Open(), Counts(40'320, 16'560));
  EXPECT_LT(seconds_, 2);
  options_.legacy_drop_short = true;
  EXPECT_EQ(Open(), Counts(40'320 - 1'763, 16'560 - 404));
  EXPECT_THAT(log_, HasSubstr("2167 of 56880 videos"));
  options_.clips = "all";
  EXPECT_EQ(Open(), Counts(757'374, 355'508));
}

TEST_F(NtuList, ClassesAreBalanced) {
  std::map<std::int64_t, std::int64_t> classes, cameras, setups;
  for (const Video& video : videos_) {
    ++classes[video.action];
    ++cameras[video.camera];
    ++setups[video.setup];
  }
  EXPECT_THAT(classes, SizeIs(60));
  for (const auto& [action, count] : classes) EXPECT_EQ(count, 948) << action;
  EXPECT_EQ(cameras, (std::map<std::int64_t, std::int64_t>{{1, 18960}, {2, 18960}, {3, 18960}}));
  EXPECT_THAT(setups, SizeIs(17));
}

}  // namespace
}  // namespace cross4d::ntu_rgbd60
