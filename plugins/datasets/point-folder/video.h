// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cloud.h"

namespace cross4d::point_folder {

/// The frames of one clip's file or folder. Errors: Error(kInput) that names file and frame.
class Video {
 public:
  virtual ~Video() = default;
  virtual std::int64_t frames() const = 0;  ///< at least 1
  /// With labels if they were asked for.
  virtual Cloud Read(std::int64_t frame) const = 0;
  /// All files that Read may use, in a fixed order.
  virtual std::vector<std::filesystem::path> files() const = 0;
};

/// `place` is
///   NAME.npy     an array [T, N, 3], or an object array of T arrays [N_t, 3];
///   NAME.npz     the same as its array `points`, or as the only one besides `labels`;
///   NAME/        numbered frames *.ply, *.pcd or *.xyz.
/// With `labels` every point needs one: NAME.labels.npy beside NAME.npy; the array `labels` of
/// NAME.npz; the property or field `label` of a PLY or PCD file, else FRAME.labels.npy or
/// FRAME.labels.txt beside it. Arrays are read as a whole here, frames when they are asked for.
std::unique_ptr<Video> OpenVideo(const std::filesystem::path& place, bool labels);

/// The number of frames, without reading points where the format allows it.
std::int64_t CountFrames(const std::filesystem::path& place);

/// The files of OpenVideo(place, labels), without reading them.
std::vector<std::filesystem::path> FilesOf(const std::filesystem::path& place, bool labels);

}  // namespace cross4d::point_folder
