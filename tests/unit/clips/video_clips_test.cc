// SPDX-License-Identifier: Apache-2.0
#include "core/clips/video_clips.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cross4d::clips {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ClipInfo Video(const std::string& name) {
  ClipInfo info;
  info.video = name;
  info.label = 3;
  return info;
}

std::vector<std::string> Ids(const VideoClips& index) {
  std::vector<std::string> ids;
  for (const ClipInfo& clip : index.clips()) ids.push_back(clip.id);
  return ids;
}

TEST(VideoClips, TheMiddleNeedsNoLengthBeforehand) {
  FrameOptions options;
  options.frames = 3;
  VideoClips index(options, false);
  index.Add(Video("v"), "v.bin", []() -> std::int64_t {
    ADD_FAILURE() << "opened the file";
    return 0;
  });
  EXPECT_THAT(Ids(index), ElementsAre("v"));
  EXPECT_THAT(index.Frames(0, 9), ElementsAre(3, 4, 5));
  EXPECT_THAT(index.Frames(0, 2), ElementsAre(0, 1, 1));
}

TEST(VideoClips, ClipsOfAVideoShareAllButTheId) {
  FrameOptions options;
  options.frames = 3;
  options.clips = "all";
  VideoClips index(options, false);
  index.Add(Video("v"), "v.bin", [] { return 4; });
  index.Add(Video("w"), "w.bin", [] { return 3; });
  EXPECT_THAT(Ids(index), ElementsAre("v@0", "v@1", "w@0"));
  EXPECT_EQ(index.clips()[1].video, "v");
  EXPECT_EQ(index.clips()[1].label, 3);
  EXPECT_THAT(index.Frames(1, 4), ElementsAre(1, 2, 3));
}

TEST(VideoClips, ShortVideosAreCountedWhenTheyAreDropped) {
  FrameOptions options;
  options.frames = 3;
  options.legacy_drop_short = true;
  VideoClips index(options, false);
  index.Add(Video("v"), "v.bin", [] { return 2; });
  index.Add(Video("w"), "w.bin", [] { return 3; });
  EXPECT_THAT(Ids(index), ElementsAre("w"));
  std::string log;
  index.Report([&](std::string_view line) { log = line; });
  EXPECT_EQ(log, "legacy_drop_short: 1 of 2 videos are shorter than a clip and left out");
  index.Report(nullptr);
}

TEST(VideoClips, UnreadableVideosEndTheIndexOrAreListed) {
  FrameOptions options;
  options.clips = "2";
  const auto broken = []() -> std::int64_t { FailInput("v.bin: no frames"); };
  VideoClips strict(options, false);
  EXPECT_THROW(strict.Add(Video("v"), "v.bin", broken), Error);
  VideoClips skipping(options, true);
  skipping.Add(Video("v"), "v.bin", broken);
  EXPECT_THAT(skipping.clips(), IsEmpty());
  ASSERT_THAT(skipping.problems(), SizeIs(1));
  EXPECT_EQ(skipping.problems()[0].file, "v.bin");
  EXPECT_EQ(skipping.problems()[0].what, "v.bin: no frames");
  EXPECT_THROW(
      skipping.Add(Video("v"),
                   "v.bin",
                   []() -> std::int64_t { throw Error(ErrorCode::kEnvironment, "no disk"); }),
      Error);
  options.clips = "none";
  EXPECT_THROW(VideoClips(options, true), Error);
}

}  // namespace
}  // namespace cross4d::clips
