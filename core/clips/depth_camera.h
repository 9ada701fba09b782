// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cross4d::clips {

/// A pinhole depth camera. Points come out in its axes: x right, y down, z forward.
struct DepthCamera {
  float focal = 0;                   ///< [px], the same for both axes
  float centre_x = 0, centre_y = 0;  ///< principal point [px]
  float unit = 0;                    ///< length of one depth count, in the points' unit

  /// xyz[3] of pixel (column, row) with `depth` counts.
  void Unproject(float column, float row, float depth, float* xyz) const {
    const float z = depth * unit;
    xyz[0] = (column - centre_x) * z / focal;
    xyz[1] = (row - centre_y) * z / focal;
    xyz[2] = z;
  }
};

}  // namespace cross4d::clips
