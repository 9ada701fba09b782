// SPDX-License-Identifier: Apache-2.0
#include "core/clips/frames.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace cross4d::clips {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Frames = std::vector<std::int64_t>;

FrameOptions Stride(std::int64_t frames, std::int64_t stride, const std::string& clips = "centre") {
  FrameOptions options;
  options.frames = frames;
  options.stride = stride;
  options.clips = clips;
  return options;
}

FrameOptions Uniform(std::int64_t frames) {
  FrameOptions options;
  options.frames = frames;
  options.frame_mode = "uniform";
  return options;
}

// Frames of the first clip.
Frames First(const FrameOptions& options, std::int64_t total) {
  return ClipFrames(options, total, ClipStarts(options, total).front());
}

TEST(Frames, UniformSpreadsOverTheWholeVideo) {
  EXPECT_THAT(First(Uniform(5), 9), ElementsAre(0, 2, 4, 6, 8));
  EXPECT_THAT(First(Uniform(3), 6), ElementsAre(0, 2, 5));  // 2.5 goes to the even number
  EXPECT_THAT(First(Uniform(3), 8), ElementsAre(0, 4, 7));  // 3.5 too
  EXPECT_THAT(First(Uniform(4), 2), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(First(Uniform(1), 7), ElementsAre(0));
}

TEST(Frames, StrideTakesTheMiddleAndRepeatsTheLast) {
  EXPECT_THAT(First(Stride(3, 2), 11), ElementsAre(3, 5, 7));
  EXPECT_THAT(First(Stride(4, 2), 5), ElementsAre(0, 2, 4, 4));
  EXPECT_THAT(First(Stride(4, 1), 1), ElementsAre(0, 0, 0, 0));
}

TEST(Frames, SeveralClipsOfAVideo) {
  EXPECT_THAT(ClipStarts(Stride(3, 1, "all"), 6), ElementsAre(0, 1, 2, 3));
  FrameOptions every_other = Stride(3, 1, "all");
  every_other.clip_step = 2;
  EXPECT_THAT(ClipStarts(every_other, 6), ElementsAre(0, 2));
  EXPECT_THAT(ClipStarts(Stride(3, 1, "3"), 13), ElementsAre(0, 5, 10));
  EXPECT_THAT(ClipStarts(Stride(3, 1, "9"), 5), ElementsAre(0, 1, 2));  // there are no more
  EXPECT_THAT(ClipStarts(Stride(3, 1, "1"), 13), ElementsAre(5));
  EXPECT_THAT(ClipStarts(Uniform(3), 13), ElementsAre(0));
}

TEST(Frames, ShortVideosGiveOneClipOrNone) {
  for (const char* clips : {"centre", "all", "4"}) {
    FrameOptions options = Stride(4, 2, clips);
    EXPECT_FALSE(IsShort(options, 7));
    EXPECT_TRUE(IsShort(options, 6));
    EXPECT_THAT(ClipStarts(options, 6), ElementsAre(0));
    options.legacy_drop_short = true;
    EXPECT_THAT(ClipStarts(options, 6), IsEmpty());
    EXPECT_THAT(ClipStarts(options, 7), ElementsAre(0));
  }
  FrameOptions uniform = Uniform(4);
  uniform.legacy_drop_short = true;
  EXPECT_FALSE(IsShort(uniform, 1));
  EXPECT_THAT(ClipStarts(uniform, 1), ElementsAre(0));
}

TEST(Frames, LengthsAreNeededForMoreThanTheMiddleOnly) {
  EXPECT_FALSE(NeedsFrameCounts(Stride(4, 1)));
  EXPECT_TRUE(NeedsFrameCounts(Stride(4, 1, "all")));
  EXPECT_TRUE(NeedsFrameCounts(Stride(4, 1, "2")));
  FrameOptions drop = Stride(4, 1);
  drop.legacy_drop_short = true;
  EXPECT_TRUE(NeedsFrameCounts(drop));
  drop.frame_mode = "uniform";
  EXPECT_FALSE(NeedsFrameCounts(drop));
}

TEST(Frames, IdsNameTheStartWhereThereIsMoreThanOneClip) {
  EXPECT_EQ(ClipId(Stride(4, 1), "a01", 7), "a01");
  EXPECT_EQ(ClipId(Stride(4, 1, "all"), "a01", 7), "a01@7");
  EXPECT_EQ(ClipId(Stride(4, 1, "2"), "a01", 0), "a01@0");
  EXPECT_EQ(ClipId(Uniform(4), "a01", 0), "a01");
}

TEST(Frames, OnlyKnownClipsAreAccepted) {
  for (const char* good : {"centre", "all", "1", "12"}) CheckFrameOptions(Stride(4, 1, good));
  for (const char* bad : {"", "center", "0", "-1", "2x", " 2", "1.5", "99999999999999999999"}) {
    try {
      CheckFrameOptions(Stride(4, 1, bad));
      ADD_FAILURE() << bad;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr("dataset.clips = \"" + std::string(bad) + "\""));
    }
  }
}

// The rows of FrameOptions reach a struct that derives from it and has other defaults.
struct Derived : FrameOptions {
  Derived() { frames = 16; }
  std::int64_t points = 2048;
};

TEST(Frames, OptionRowsBelongToTheDerivedStruct) {
  OptionTable<Derived> table;
  AddFrameOptions(&table);
  table.Add("points", &Derived::points, "Points.");
  EXPECT_THAT(CheckSchema(table.schema()), IsEmpty());
  const Derived read = table.Read({{"clips", OptionValue("all")}, {"stride", OptionValue(2L)}});
  EXPECT_EQ(read.frames, 16);
  EXPECT_EQ(read.stride, 2);
  EXPECT_EQ(read.clips, "all");
  EXPECT_EQ(read.points, 2048);
}

FrameOptions AnyOptions() {
  FrameOptions options;
  options.frames = *rc::gen::inRange<std::int64_t>(1, 40);
  options.stride = *rc::gen::inRange<std::int64_t>(1, 6);
  options.clip_step = *rc::gen::inRange<std::int64_t>(1, 6);
  options.frame_mode = *rc::gen::element<std::string>("uniform", "stride");
  options.clips = *rc::gen::element<std::string>("centre", "all", "1", "2", "5");
  return options;
}

RC_GTEST_PROP(FramesProperty, EveryClipLiesInItsVideo, ()) {
  const FrameOptions options = AnyOptions();
  const auto total = *rc::gen::inRange<std::int64_t>(1, 120);
  const Frames starts = ClipStarts(options, total);
  RC_ASSERT(!starts.empty());
  RC_ASSERT(std::is_sorted(starts.begin(), starts.end()));
  RC_ASSERT(std::adjacent_find(starts.begin(), starts.end()) == starts.end());
  for (const std::int64_t start : starts) {
    const Frames frames = ClipFrames(options, total, start);
    RC_ASSERT(static_cast<std::int64_t>(frames.size()) == options.frames);
    RC_ASSERT(std::is_sorted(frames.begin(), frames.end()));
    RC_ASSERT(frames.front() >= 0 && frames.back() < total);
  }
}

// What legacy_drop_short leaves in is what does not repeat frames, and it changes nothing else.
RC_GTEST_PROP(FramesProperty, LegacyDropsExactlyTheShort, ()) {
  FrameOptions options = AnyOptions();
  options.frame_mode = "stride";
  const auto total = *rc::gen::inRange<std::int64_t>(1, 120);
  const Frames padded = ClipStarts(options, total);
  const Frames frames = ClipFrames(options, total, padded.front());
  const bool repeats = std::adjacent_find(frames.begin(), frames.end()) != frames.end();
  options.legacy_drop_short = true;
  const bool last_is_cut = frames[0] + (options.frames - 1) * options.stride > total - 1;
  RC_ASSERT(IsShort(options, total) == (repeats || last_is_cut));
  RC_ASSERT(ClipStarts(options, total) == (IsShort(options, total) ? Frames{} : padded));
}

}  // namespace
}  // namespace cross4d::clips
