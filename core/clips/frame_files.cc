// SPDX-License-Identifier: Apache-2.0
#include "core/clips/frame_files.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace cross4d::clips {

namespace fs = std::filesystem;

std::string FrameFiles::Name(std::int64_t frame) const {
  std::string number = std::to_string(frame + first);
  const auto width = static_cast<std::size_t>(digits);
  if (number.size() < width) number.insert(0, width - number.size(), '0');
  return prefix + number + suffix;
}

std::int64_t FrameFiles::FrameOf(const std::string& name) const {
  if (name.size() <= prefix.size() + suffix.size() || !name.starts_with(prefix)) return -1;
  const char* end = name.data() + name.size() - suffix.size();
  std::int64_t number = 0;
  const auto parsed = std::from_chars(name.data() + prefix.size(), end, number);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == end && number >= first;
  // The way back proves sign, zeros and suffix.
  return whole && Name(number - first) == name ? number - first : -1;
}

std::int64_t FrameFiles::Count(const fs::path& folder) const {
  std::vector<std::int64_t> frames;
  std::error_code error;
  fs::directory_iterator it(folder, error);
  if (error) FailInput(folder.string() + ": cannot be listed: " + error.message());
  for (const fs::directory_iterator end; !error && it != end; it.increment(error)) {
    const std::int64_t frame = FrameOf(it->path().filename().string());
    if (frame >= 0) frames.push_back(frame);
  }
  if (error) FailInput(folder.string() + ": cannot be listed: " + error.message());
  if (frames.empty()) {
    FailInput(folder.string() + ": has no frame; expected " + Name(0) + ", " + Name(1) + ", …");
  }
  std::sort(frames.begin(), frames.end());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto frame = static_cast<std::int64_t>(i);
    if (frames[i] == frame) continue;
    FailInput((folder / Name(frame)).string() + " is missing (frame " + std::to_string(frame) +
              "): the folder has " + std::to_string(frames.size()) + " frames, the last is " +
              Name(frames.back()));
  }
  return static_cast<std::int64_t>(frames.size());
}

}  // namespace cross4d::clips
