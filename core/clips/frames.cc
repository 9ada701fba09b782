// SPDX-License-Identifier: Apache-2.0
#include "core/clips/frames.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <charconv>

namespace cross4d::clips {
namespace {

// The number in `clips`, 0 = it is `centre` or `all`, -1 = it is nothing known.
std::int64_t ClipCount(const std::string& clips) {
  if (clips == "centre" || clips == "all") return 0;
  std::int64_t count = 0;
  const char* end = clips.data() + clips.size();
  const auto parsed = std::from_chars(clips.data(), end, count);
  return parsed.ec == std::errc() && parsed.ptr == end && count >= 1 ? count : -1;
}

// round(i * last / (count - 1)), halves to the even number, as numpy's round(linspace()).
std::int64_t Spread(std::int64_t i, std::int64_t count, std::int64_t last) {
  if (count == 1) return 0;
  const std::int64_t whole = i * last / (count - 1);
  const std::int64_t twice_rest = 2 * (i * last % (count - 1));
  const bool up = twice_rest > count - 1 || (twice_rest == count - 1 && whole % 2 == 1);
  return whole + (up ? 1 : 0);
}

std::int64_t Span(const FrameOptions& options) { return (options.frames - 1) * options.stride + 1; }

bool IsUniform(const FrameOptions& options) { return options.frame_mode == "uniform"; }

}  // namespace

void CheckFrameOptions(const FrameOptions& options) {
  if (ClipCount(options.clips) >= 0) return;
  FailInput("dataset.clips = \"" + options.clips +
            "\", expected \"centre\", \"all\" or a number from 1 (as a string: \"4\")");
}

bool NeedsFrameCounts(const FrameOptions& options) {
  return !IsUniform(options) && (options.clips != "centre" || options.legacy_drop_short);
}

bool IsShort(const FrameOptions& options, std::int64_t total) {
  return !IsUniform(options) && total < Span(options);
}

std::vector<std::int64_t> ClipStarts(const FrameOptions& options, std::int64_t total) {
  if (IsShort(options, total)) {
    return options.legacy_drop_short ? std::vector<std::int64_t>{} : std::vector<std::int64_t>{0};
  }
  if (IsUniform(options)) return {0};
  const std::int64_t last = total - Span(options);
  if (options.clips == "centre") return {last / 2};
  std::vector<std::int64_t> starts;
  if (options.clips == "all") {
    for (std::int64_t start = 0; start <= last; start += options.clip_step) starts.push_back(start);
    return starts;
  }
  const std::int64_t count = std::min(ClipCount(options.clips), last + 1);
  if (count == 1) return {last / 2};
  for (std::int64_t i = 0; i < count; ++i) starts.push_back(Spread(i, count, last));
  return starts;
}

std::vector<std::int64_t> ClipFrames(const FrameOptions& options,
                                     std::int64_t total,
                                     std::int64_t start) {
  std::vector<std::int64_t> frames(static_cast<std::size_t>(options.frames));
  for (std::int64_t i = 0; i < options.frames; ++i) {
    frames[static_cast<std::size_t>(i)] = IsUniform(options)
                                              ? Spread(i, options.frames, total - 1)
                                              : std::min(start + i * options.stride, total - 1);
  }
  return frames;
}

std::string ClipId(const FrameOptions& options, const std::string& video, std::int64_t start) {
  if (IsUniform(options) || options.clips == "centre") return video;
  return video + "@" + std::to_string(start);
}

}  // namespace cross4d::clips
