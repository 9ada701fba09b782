// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "names.h"

namespace cross4d::ntu_rgbd60 {

enum class Form { kImages, kPoints };

/// What a folder holds, by the names in it alone.
struct Index {
  Form form = Form::kImages;
  std::vector<Video> videos;     ///< of the 60 actions, ordered by name; `frames` not known
  std::int64_t more_videos = 0;  ///< of NTU RGB+D 120's further actions, left out
};

/// `form`: "auto", "images" or "points". Error(kInput) that says which folder was expected, and
/// which one looks right.
Index ListVideos(const std::filesystem::path& root, const std::string& form);

/// The videos of a list, see ParseList.
std::vector<Video> ReadList(const std::filesystem::path& file);

}  // namespace cross4d::ntu_rgbd60
