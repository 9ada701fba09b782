// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "names.h"

namespace cross4d::msr_action3d {

struct VideoFile {
  Video video;
  std::filesystem::path path;
};

/// The videos in `root`, or in the folder Depth in it, ordered by action, subject, example. Other
/// files are ignored. `form`: "depth" (.bin), "points" (.npz), or "auto": a video's .bin where
/// there is one, else its .npz. Error(kInput) that says which files were expected, and which folder
/// looks right.
std::vector<VideoFile> ListVideos(const std::filesystem::path& root, const std::string& form);

}  // namespace cross4d::msr_action3d
