// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clips/depth_camera.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace cross4d::msr_action3d {

/// A pixel with a depth, in counts of about 4 mm.
struct Pixel {
  float column = 0, row = 0, depth = 0;
};

/// Focal lengths [px]: what the community unprojects with (a guess), and what the official
/// skeletons measure; the principal point is the image's centre.
inline constexpr float kPublishedFocal = 280.0f, kMetricFocal = 285.63f;

/// The frames of one video. Not safe for threads.
class VideoFrames {
 public:
  virtual ~VideoFrames() = default;
  virtual std::int64_t count() const = 0;
  /// Half the image's size: the principal point [px].
  virtual float centre_x() const { return 160; }
  virtual float centre_y() const { return 120; }
  /// The pixels of `frame` that have a depth, in the file's order (rows first, then columns).
  virtual void Read(std::int64_t frame, std::vector<Pixel>* pixels) = 0;
};

/// A .bin or .npz file, by its name. Error(kInput) with file, offset or frame, what was found and
/// what was expected; from Read too.
std::unique_ptr<VideoFrames> OpenVideo(const std::filesystem::path& file);

/// Its number of frames, from the first bytes alone.
std::int64_t CountFrames(const std::filesystem::path& file);

}  // namespace cross4d::msr_action3d
