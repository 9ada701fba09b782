// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace cross4d::geometry {

/// A pinhole camera for one clip. Camera axes: x right, y down, z forward (depth). A plain struct:
/// the CUDA form takes it by value. Lengths are in the data set's units.
struct Camera {
  std::array<float, 3> target{};  ///< clip centroid; seen at the image's centre
  std::array<float, 9>
      cam_from_world{};  ///< rotation, row-major; p_cam = R (p - target) + (0, 0, distance)
  float distance = 1;    ///< from the camera's centre to the target
  float extent = 1;      ///< radius of the bounding sphere about the target, all frames
  float near_depth = 0, far_depth = 2;     ///< distance -+ extent
  float focal_px = 1;                      ///< pixels per unit of x / z, both axes
  float centre_x_px = 0, centre_y_px = 0;  ///< principal point; pixel (0, 0) covers [0, 1) x [0, 1)
  std::int32_t width = 0, height = 0;      ///< image size [px]
};

/// How cameras are placed (method: one fixed pinhole camera per clip).
struct CameraOptions {
  std::int32_t width = 224, height = 224;  ///< [px]
  double fov_deg = 60;                     ///< vertical field of view, 1 to 170
  double margin = 1.1;  ///< distance = margin * extent / sin(half the smaller field of view)
  std::array<double, 3> forward{
      0, 0, 1};                        ///< viewing direction of the data set's sensor, world axes
  std::array<double, 3> up{0, -1, 0};  ///< not parallel to forward
  double elevation_deg = 0;  ///< camera raised above the target by this angle, looking down at it
  int count = 1;             ///< 1: yaw 0; 2: -45, +45; 4: 0, 90, 180, 270 degrees about `up`
};

/// The clip's cameras in fixed order. `points` [T, N, 3] = all frames of the clip. Computed in
/// double, stored as float32. All points identical: extent 1 is taken, so that the camera stays
/// valid. Errors: Error(kInput) for an empty clip, a coordinate that is not finite, or options out
/// of range.
std::vector<Camera> PlaceCameras(std::span<const float> points, const CameraOptions& options);

/// Where a point falls. The float32 arithmetic is the one that the splat renderer uses on CPU and
/// GPU.
struct Projection {
  float x_px = 0, y_px = 0;
  float depth = 0;  ///< along the camera's z; <= 0: behind the camera, x and y are 0 then
};
Projection Project(const Camera& camera, const float* point);

}  // namespace cross4d::geometry
