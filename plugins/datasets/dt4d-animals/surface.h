// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/random.h>

#include <cstdint>
#include <vector>

#include "anime_file.h"

namespace cross4d::dt4d_animals {

/// Points that are fixed to a surface: each stays in its triangle, at the same weights of its
/// corners, however the mesh deforms.
class SurfacePoints {
 public:
  /// Draws `count` of them, evenly over the area that the mesh has in `xyz`; the first n of a
  /// larger count are those of n. None if no triangle has an area.
  SurfacePoints(const std::vector<float>& xyz,
                const std::vector<Triangle>& triangles,
                std::int64_t count,
                RandomStream random);

  bool empty() const { return points_.empty(); }
  /// Where they are when the vertices are at `xyz`: 3 floats each.
  void Place(const std::vector<float>& xyz, float* points) const;

 private:
  struct Point {
    Triangle corners;
    float second, third;  // weights; the first corner has what is left of 1
  };
  std::vector<Point> points_;
};

}  // namespace cross4d::dt4d_animals
