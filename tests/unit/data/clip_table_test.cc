// SPDX-License-Identifier: Apache-2.0
#include "core/data/clip_table.h"

#include "core/data/sources.h"

#include <cross4d/sdk/error.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

namespace cross4d::data {
namespace {

// Ten training videos of two clips each, five test videos of one.
ClipTable Table() {
  ClipTable table;
  for (int i = 0; i < 25; ++i) {
    const bool train = i < 20;
    table.clips.push_back({"clip" + std::to_string(i),
                           "video" + std::to_string(train ? i / 2 : i),
                           i % 3,
                           i % 4,
                           train});
  }
  table.classes = {"a", "b", "ü"};
  table.frames = 2;
  table.points = 3;
  return table;
}

std::filesystem::path Folder() {
  const auto folder = std::filesystem::path(testing::TempDir()) / "cross4d_clip_table";
  std::filesystem::create_directories(folder);
  return folder;
}

TEST(ClipTable, RoundTrips) {
  const ClipTable table = Table();
  WriteClipTable(Folder(), table);
  const ClipTable back = ReadClipTable(Folder());
  ASSERT_EQ(back.clips.size(), table.clips.size());
  EXPECT_EQ(back.clips[21].id, "clip21");
  EXPECT_EQ(back.clips[21].video, "video21");
  EXPECT_FALSE(back.clips[21].train);
  EXPECT_EQ(back.clips[21].label, 0);
  EXPECT_EQ(back.clips[21].subject, 1);
  EXPECT_EQ(back.classes, table.classes);
  EXPECT_EQ(back.points, 3);
  EXPECT_EQ(back.class_count(), 3);
}

TEST(ClipTable, DamagedFilesAreNamed) {
  std::ofstream(Folder() / kClipTableFile) << "{\"classes\": [";
  try {
    ReadClipTable(Folder());
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(kClipTableFile), std::string::npos);
  }
}

TEST(ClipTable, SubsetsTakeWholeVideosAndNest) {
  const ClipTable table = Table();
  EXPECT_EQ(SubsetRows(table, 1.0), table.Rows(true));
  EXPECT_EQ(SubsetRows(table, 10), table.Rows(true));
  const auto three = SubsetRows(table, 3), half = SubsetRows(table, 0.5);
  EXPECT_EQ(three.size(), 6u);
  EXPECT_EQ(half.size(), 10u);
  EXPECT_EQ(SubsetRows(table, 0.01).size(), 2u) << "a share is rounded up";
  EXPECT_TRUE(std::includes(half.begin(), half.end(), three.begin(), three.end()));
  std::set<std::string> videos;
  for (auto row : half) videos.insert(table.clips[static_cast<std::size_t>(row)].video);
  EXPECT_EQ(videos.size(), 5u);
}

TEST(EpochOrder, IsAShuffleThatDependsOnSeedAndEpochOnly) {
  const std::vector<std::int64_t> rows = {3, 5, 8, 13, 21, 34, 55, 89};
  const auto a = EpochOrder(rows, 1, 0);
  EXPECT_EQ(a, EpochOrder(rows, 1, 0));
  EXPECT_NE(a, EpochOrder(rows, 1, 1));
  EXPECT_NE(a, EpochOrder(rows, 2, 0));
  EXPECT_TRUE(std::is_permutation(a.begin(), a.end(), rows.begin()));
}

}  // namespace
}  // namespace cross4d::data
