// SPDX-License-Identifier: Apache-2.0
#include "core/targets/time_map.h"

#include <cross4d/sdk/error.h>

#include <gtest/gtest.h>

namespace cross4d::targets {
namespace {

using Index = std::vector<std::int64_t>;

TEST(TimeMap, AnImageTeacherReadsItsOwnFrame) {
  const TimeMap map = MapTime(3, 0, 1);
  EXPECT_EQ(map.model_frames, (Index{0, 1, 2}));
  EXPECT_EQ(map.tubelet, (Index{0, 1, 2}));
}

TEST(TimeMap, TubeletsTakeNeighbouringFramesAndRepeatTheLast) {
  const TimeMap map = MapTime(5, 0, 2);
  EXPECT_EQ(map.model_frames, (Index{0, 1, 2, 3, 4, 4}));
  EXPECT_EQ(map.tubelet, (Index{0, 0, 1, 1, 2}));
}

TEST(TimeMap, AFixedLengthResamplesTheClip) {
  // 24 frames to 16: model frame j shows frame round(23 j / 15); frame t reads frame round(15 t /
  // 23).
  const TimeMap map = MapTime(24, 16, 2);
  ASSERT_EQ(map.model_frames.size(), 16u);
  EXPECT_EQ(map.model_frames.front(), 0);
  EXPECT_EQ(map.model_frames[1], 2);
  EXPECT_EQ(map.model_frames.back(), 23);
  ASSERT_EQ(map.tubelet.size(), 24u);
  EXPECT_EQ(map.tubelet[0], 0);
  EXPECT_EQ(map.tubelet[2], 0);  // 30/23 -> 1, tubelet 0
  EXPECT_EQ(map.tubelet[3], 1);  // 45/23 -> 2
  EXPECT_EQ(map.tubelet[23], 7);
}

TEST(TimeMap, ShortClipsAreStretched) {
  const TimeMap map = MapTime(1, 4, 2);
  EXPECT_EQ(map.model_frames, (Index{0, 0, 0, 0}));
  EXPECT_EQ(map.tubelet, (Index{0}));
}

TEST(TimeMap, LengthsThatDoNotFitTheTubeletAreRefused) { EXPECT_THROW(MapTime(8, 7, 2), Error); }

}  // namespace
}  // namespace cross4d::targets
