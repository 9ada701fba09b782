// SPDX-License-Identifier: Apache-2.0
#include "surface.h"

#include <algorithm>
#include <cmath>

namespace cross4d::dt4d_animals {
namespace {

double Area(const std::vector<float>& xyz, const Triangle& corners) {
  double edge[2][3];
  for (std::size_t e = 0; e < 2; ++e) {
    for (std::size_t k = 0; k < 3; ++k) {
      edge[e][k] = static_cast<double>(xyz[3 * static_cast<std::size_t>(corners[e + 1]) + k]) -
                   static_cast<double>(xyz[3 * static_cast<std::size_t>(corners[0]) + k]);
    }
  }
  const auto cross = [&](int a, int b) {
    return edge[0][a] * edge[1][b] - edge[0][b] * edge[1][a];
  };
  const double x = cross(1, 2), y = cross(2, 0), z = cross(0, 1);
  return std::sqrt(x * x + y * y + z * z) / 2;
}

}  // namespace

SurfacePoints::SurfacePoints(const std::vector<float>& xyz,
                             const std::vector<Triangle>& triangles,
                             std::int64_t count,
                             RandomStream random) {
  std::vector<double> area_up_to;  // including the triangle itself
  double total = 0;
  for (const Triangle& corners : triangles) area_up_to.push_back(total += Area(xyz, corners));
  if (!(total > 0)) return;
  for (std::int64_t i = 0; i < count; ++i) {
    // Rounding may reach the total: then the last triangle with an area.
    const double at = std::min(random.Uniform() * total, std::nextafter(total, 0.0));
    const auto found = std::upper_bound(area_up_to.begin(), area_up_to.end(), at);
    double second = random.Uniform(), third = random.Uniform();
    if (second + third > 1) second = 1 - second, third = 1 - third;  // the other half of the square
    points_.push_back({triangles[static_cast<std::size_t>(found - area_up_to.begin())],
                       static_cast<float>(second),
                       static_cast<float>(third)});
  }
}

void SurfacePoints::Place(const std::vector<float>& xyz, float* points) const {
  for (const Point& point : points_) {
    const float* a = &xyz[3 * static_cast<std::size_t>(point.corners[0])];
    const float* b = &xyz[3 * static_cast<std::size_t>(point.corners[1])];
    const float* c = &xyz[3 * static_cast<std::size_t>(point.corners[2])];
    for (int k = 0; k < 3; ++k) {
      points[k] = a[k] + point.second * (b[k] - a[k]) + point.third * (c[k] - a[k]);
    }
    points += 3;
  }
}

}  // namespace cross4d::dt4d_animals
