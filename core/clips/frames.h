// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/option.h>

#include <cstdint>
#include <string>
#include <vector>

namespace cross4d::clips {

/// Which frames of a video make its clips: the part that the options of all data sets share.
/// A data set's Options derive from it and may set other defaults.
struct FrameOptions {
  std::int64_t frames = 24;
  std::int64_t stride = 1;
  std::string frame_mode = "stride";
  std::string clips = "centre";
  std::int64_t clip_step = 1;
  bool legacy_drop_short = false;
};

/// Adds the rows of FrameOptions to the table of `S`, which derives from it.
template <class S>
void AddFrameOptions(OptionTable<S>* table) {
  using Int = std::int64_t S::*;
  using Text = std::string S::*;
  table->Add("frames", static_cast<Int>(&S::frames), "Frames per clip (T).").Range(1, 1024);
  table
      ->Add(
          "frame_mode",
          static_cast<Text>(&S::frame_mode),
          "`uniform`: spread over the whole video, one clip; `stride`: every stride-th frame, the "
          "last one repeated where the video is too short.")
      .Choices({"uniform", "stride"});
  table
      ->Add("stride",
            static_cast<Int>(&S::stride),
            "Step between frames when frame_mode is `stride`.")
      .Range(1, 64)
      .Unit("frames");
  table->Add(
      "clips",
      static_cast<Text>(&S::clips),
      "Clips of a video when frame_mode is `stride`: `centre`: one around the middle; `all`: "
      "one from every clip_step-th start; a number: that many, evenly spread.");
  table
      ->Add("clip_step",
            static_cast<Int>(&S::clip_step),
            "Step between the starts of neighbouring clips when clips is `all`.")
      .Range(1, 1024)
      .Unit("frames");
  table->Add("legacy_drop_short",
             static_cast<bool S::*>(&S::legacy_drop_short),
             "Leave out videos shorter than a clip, as published loaders do.");
}

/// Error(kInput) on a `clips` that is neither `centre`, `all` nor a number from 1.
void CheckFrameOptions(const FrameOptions& options);

/// True if the clips of a video depend on its length, so that the index must know it.
bool NeedsFrameCounts(const FrameOptions& options);

/// True if a clip of `total` frames needs repeated frames (never with `uniform`).
bool IsShort(const FrameOptions& options, std::int64_t total);

/// First frames of the clips of a video of `total` frames, ascending, at least one; none if the
/// video is short and legacy_drop_short is set.
std::vector<std::int64_t> ClipStarts(const FrameOptions& options, std::int64_t total);

/// The options.frames frame indices of the clip from `start`, never falling.
std::vector<std::int64_t> ClipFrames(const FrameOptions& options,
                                     std::int64_t total,
                                     std::int64_t start);

/// The id of a clip: that of its video, and with `all` or several clips the start:
/// "a01_s01_e01@12".
std::string ClipId(const FrameOptions& options, const std::string& video, std::int64_t start);

}  // namespace cross4d::clips
