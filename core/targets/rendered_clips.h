// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/geometry/splat.h"
#include "core/protocol/core_options.h"
#include "core/targets/time_map.h"

#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/teacher.h>

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace cross4d::targets {

/// One clip as all its cameras see it.
struct RenderedClip {
  torch::Tensor frames;          ///< [cameras, model frames, 3, H, W] float32, normalised
  torch::Tensor patch;           ///< [cameras, T, N] int32: teacher patch, -1 = not visible
  std::int64_t seen_points = 0;  ///< (frame, point) pairs that at least one camera sees
};

/// Renders the training clips of a data set for one teacher. For the teacher's Fit it is a source
/// of size clips x cameras. Points are kept in memory up to a limit, since Fit walks the split
/// again.
class RenderedClips : public FrameSource {
 public:
  RenderedClips(const Dataset& dataset,
                const TeacherTraits& teacher,
                const protocol::TargetsOptions& options,
                int threads);

  /// Index in dataset.clips() of each training clip.
  const std::vector<std::int64_t>& clips() const { return clips_; }
  const TimeMap& time() const { return time_; }
  std::int64_t frames() const { return frames_; }  ///< T
  std::int64_t points() const { return points_; }  ///< N
  std::int64_t grid() const { return options_.image_size / teacher_.patch; }
  RenderedClip Render(std::int64_t i) const;

  std::int64_t size() const override;
  torch::Tensor At(std::int64_t i) const override;

 private:
  torch::Tensor Points(std::int64_t i) const;
  torch::Tensor Shade(const geometry::ClipRaster& raster, const geometry::Camera& camera) const;
  geometry::CameraOptions CameraSetting() const;
  geometry::ClipRaster& Raster(const torch::Tensor& points, const geometry::Camera& camera) const;

  const Dataset& dataset_;
  TeacherTraits teacher_;
  protocol::TargetsOptions options_;
  int threads_;
  std::vector<std::int64_t> clips_;
  TimeMap time_;
  std::int64_t frames_ = 0, points_ = 0;
  mutable std::vector<torch::Tensor> kept_;
  mutable std::size_t kept_bytes_ = 0;
  mutable geometry::ClipRaster raster_;  ///< memory of the last one, used again
};

}  // namespace cross4d::targets
