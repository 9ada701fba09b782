// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace cross4d::clips {

/// The frames of a video as numbered files of one folder: "MDepth-00000001.png", "0.npz".
struct FrameFiles {
  std::string prefix;
  int digits = 0;  ///< filled up with zeros to that many; 0 = as the number is
  std::string suffix;
  std::int64_t first = 0;  ///< number of frame 0

  std::string Name(std::int64_t frame) const;

  /// How many there are in `folder`; lists it once, other files are ignored. Error(kInput) that
  /// names the file: no folder, no frame, a gap in the numbers.
  std::int64_t Count(const std::filesystem::path& folder) const;

 private:
  /// The frame of a file name, -1 if it is none.
  std::int64_t FrameOf(const std::string& name) const;
};

}  // namespace cross4d::clips
