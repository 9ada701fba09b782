// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clips/depth_camera.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace cross4d::ntu_rgbd60 {

/// How the community makes points (a guess, 1.3 times too wide), and Kinect 2's measured camera.
/// Depth in millimetres, points in metres.
inline constexpr clips::DepthCamera kPublishedCamera{280.0f, 256.0f, 212.0f, 0.001f};
inline constexpr clips::DepthCamera kMetricCamera{365.481f, 257.346f, 210.347f, 0.001f};

/// The frames of one video. Not safe for threads.
class VideoFrames {
 public:
  virtual ~VideoFrames() = default;

  std::int64_t count() const { return count_; }
  /// Reads a frame; returns the number of its points, in raster order.
  virtual std::int64_t Open(std::int64_t frame) = 0;
  /// The points with these numbers of the frame that is open: 3 * picked.size() floats, metres.
  virtual void Take(const std::vector<std::uint32_t>& picked, float* xyz) const = 0;

 protected:
  std::int64_t count_ = 0;
};

/// A folder of masked depth images MDepth-00000001.png, …; see ReadDepthPng.
std::unique_ptr<VideoFrames> OpenImages(const std::filesystem::path& folder,
                                        const clips::DepthCamera& camera);

/// Number of images in such a folder. Error(kInput): none, a gap, or unmasked ones.
std::int64_t CountImages(const std::filesystem::path& folder);

/// PSTNet's points: an .npz whose array `data` has one (N, 3) array per frame, unprojected by the
/// published camera from depth in units of 65.535 m.
std::unique_ptr<VideoFrames> OpenPoints(const std::filesystem::path& file,
                                        const clips::DepthCamera& camera);

/// Number of frames in such a file, from its header alone.
std::int64_t CountPointFrames(const std::filesystem::path& file);

}  // namespace cross4d::ntu_rgbd60
