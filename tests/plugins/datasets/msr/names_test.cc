// SPDX-License-Identifier: Apache-2.0
#include "names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace cross4d::msr_action3d {
namespace {

using ::testing::ElementsAre;

std::vector<int> Counts(std::int64_t Video::*part, std::int64_t first, std::int64_t last) {
  std::map<std::int64_t, int> counts;
  for (const Video& v : OfficialVideos()) {
    if (v.subject >= first && v.subject <= last) ++counts[v.*part];
  }
  std::vector<int> list;
  for (const auto& [value, n] : counts) list.push_back(n);
  return list;
}

TEST(Names, ThePublishedSetHas567Videos) {
  const std::vector<Video> videos = OfficialVideos();
  EXPECT_EQ(videos.size(), 567u);
  EXPECT_TRUE(std::is_sorted(videos.begin(), videos.end()));
  const auto of = [&](auto in) { return std::count_if(videos.begin(), videos.end(), in); };
  EXPECT_EQ(of([](const Video& v) { return v.subject <= 5; }), 270);
  EXPECT_EQ(of([](const Video& v) { return v.subject > 5; }), 297);
  EXPECT_EQ(of([](const Video& v) { return v.subject % 2 == 1; }), 292);
  EXPECT_EQ(of([](const Video& v) { return v.subject % 2 == 0; }), 275);
}

TEST(Names, CountsPerSubjectAndAction) {
  EXPECT_THAT(Counts(&Video::subject, 1, 10), ElementsAre(60, 59, 56, 38, 57, 58, 59, 60, 60, 60));
  EXPECT_THAT(
      Counts(&Video::action, 1, 5),
      ElementsAre(12, 12, 12, 11, 12, 12, 14, 15, 15, 15, 15, 15, 15, 15, 5, 15, 15, 15, 15, 15));
  EXPECT_THAT(
      Counts(&Video::action, 6, 10),
      ElementsAre(15, 15, 15, 15, 14, 14, 14, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15));
}

TEST(Names, EveryNameReadsBack) {
  std::set<std::string> ids;
  for (const Video& v : OfficialVideos()) {
    EXPECT_EQ(ParseName(v.id() + "_sdepth.bin", ".bin"), v);
    ids.insert(v.id());
  }
  EXPECT_EQ(ids.size(), 567u);
  EXPECT_EQ(*ids.begin(), "a01_s01_e01");
}

TEST(Names, NothingElseIsAVideo) {
  for (const char* name : {"",
                           "a01_s01_e01_sdepth",
                           "a01_s01_e01_sdepth.npz",
                           "a01_s01_e01_sdepth.bin.part",
                           "a01_s01_e01_sdepth_equal_counts.bin",
                           "xa01_s01_e01_sdepth.bin",
                           "a1_s01_e01_sdepth.bin",
                           "a00_s01_e01_sdepth.bin",
                           "a21_s01_e01_sdepth.bin",
                           "a01_s11_e01_sdepth.bin",
                           "a01_s01_e04_sdepth.bin",
                           "a01_s01_e01_skeleton.bin",
                           "A01_s01_e01_sdepth.bin"}) {
    EXPECT_FALSE(ParseName(name, ".bin").has_value()) << name;
  }
}

}  // namespace
}  // namespace cross4d::msr_action3d
