// SPDX-License-Identifier: Apache-2.0
#include "names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/refusal.h"

namespace cross4d::ntu_rgbd60 {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(NtuNames, AreReadExactly) {
  const auto video = ParseName("S017C003P040R002A060");
  ASSERT_TRUE(video);
  EXPECT_EQ(video->setup, 17);
  EXPECT_EQ(video->camera, 3);
  EXPECT_EQ(video->performer, 40);
  EXPECT_EQ(video->replication, 2);
  EXPECT_EQ(video->action, 60);
  EXPECT_EQ(video->id(), "S017C003P040R002A060");
  for (const char* other : {"",
                            "S001C001P001R001A00",
                            "S001C001P001R001A0011",
                            "s001C001P001R001A001",
                            "S001C001P001R001B001",
                            "S001C001P001R000A001",
                            "S001C001P001R 01A001",
                            "S001C001P001R-01A001"}) {
    EXPECT_FALSE(ParseName(other)) << other;
  }
}

TEST(NtuNames, ListsAreReadLineByLine) {
  const auto videos = ParseList("S001C001P001R001A001 103\r\n\nS001C002P001R001A001 7", "a.list");
  ASSERT_THAT(videos, SizeIs(2));
  EXPECT_EQ(videos[0].frames, 103);
  EXPECT_EQ(videos[1].camera, 2);
  EXPECT_EQ(videos[1].frames, 7);
  const std::pair<const char*, const char*> cases[] = {
      {"", "lists no video"},
      {"S001C001P001R001A001\n", "line 1: 'S001C001P001R001A001', expected"},
      {"S001C001P001R001A001 1\nS001C001P001R001A002 x", "line 2"},
      {"S001C001P001R001A001 0", "line 1"},
      {"S001C001P001R001A001 -4", "line 1"},
      {"S001C001P001R001A001 99999999999999999999", "line 1"},
      {"S001C001P001R001A001 10 ", "line 1"},
      {"S001C001P001R001A001 1\nS001C001P001R001A001 2",
       "line 2: S001C001P001R001A001 is there twice"}};
  for (const auto& [text, part] : cases) {
    EXPECT_THAT(test::Refusal([&, text = text] { ParseList(text, "a.list"); }),
                AllOf(HasSubstr("a.list"), HasSubstr(part)));
  }
}

TEST(NtuNames, TheTablesAreWhole) {
  EXPECT_THAT(TrainingSubjects(), SizeIs(20));
  EXPECT_TRUE(IsTrainingSubject(1));
  EXPECT_TRUE(IsTrainingSubject(38));
  EXPECT_FALSE(IsTrainingSubject(3));
  EXPECT_FALSE(IsTrainingSubject(40));
  EXPECT_THAT(ActionNames(), SizeIs(60));
  const auto missing = MissingSkeletons();
  EXPECT_THAT(missing, SizeIs(302));
  EXPECT_TRUE(std::is_sorted(missing.begin(), missing.end()));
  EXPECT_THAT(std::set<std::string_view>(missing.begin(), missing.end()), SizeIs(302));
  for (const std::string_view name : missing) {
    const auto video = ParseName(name);
    ASSERT_TRUE(video) << name;
    EXPECT_TRUE(HasMissingSkeleton(*video));
  }
  EXPECT_FALSE(HasMissingSkeleton(*ParseName("S001C001P001R001A001")));
}

}  // namespace
}  // namespace cross4d::ntu_rgbd60
