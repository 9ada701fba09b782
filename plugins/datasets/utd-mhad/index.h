// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cross4d::utd_mhad {

/// A video by its file name aA_sS_tT_depth.mat; numbers from 1.
struct Video {
  std::int64_t action = 0, subject = 0, trial = 0;
  /// "a3_s1_t2"
  std::string id() const;
};

/// All videos in root/Depth, ordered by action, subject, trial. Other files are ignored.
/// Throws Error(kInput) that says which folder was expected, and which one looks right.
std::vector<Video> ListVideos(const std::filesystem::path& root);

}  // namespace cross4d::utd_mhad
