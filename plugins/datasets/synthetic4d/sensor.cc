// SPDX-License-Identifier: Apache-2.0
#include "sensor.h"

#include <algorithm>
#include <limits>

namespace cross4d::synthetic4d {
namespace {

constexpr int kPixels = 72;
constexpr double kTolerance = 0.035;            // [m]
constexpr double kFocal = kPixels * 3.2 / 2.3;  // [px]

}  // namespace

std::vector<std::int32_t> VisiblePoints(const Sensor& sensor, const std::vector<Vec3>& world) {
  std::vector<double> nearest(kPixels * kPixels, std::numeric_limits<double>::infinity());
  std::vector<std::int32_t> pixel(world.size(), -1);
  for (std::size_t i = 0; i < world.size(); ++i) {
    const double depth = sensor.distance - world[i].z;
    if (depth < 0.2) continue;
    const double u = std::floor(kPixels * 0.5 + kFocal * world[i].x / depth);
    const double v = std::floor(kPixels * 0.5 - kFocal * (world[i].y - kSensorHeight) / depth);
    if (u < 0 || v < 0 || u >= kPixels || v >= kPixels) continue;
    pixel[i] = static_cast<std::int32_t>(v) * kPixels + static_cast<std::int32_t>(u);
    nearest[pixel[i]] = std::min(nearest[pixel[i]], depth);
  }
  std::vector<std::int32_t> visible;
  visible.reserve(world.size());
  for (std::size_t i = 0; i < world.size(); ++i) {
    if (pixel[i] >= 0 && sensor.distance - world[i].z <= nearest[pixel[i]] + kTolerance) {
      visible.push_back(static_cast<std::int32_t>(i));
    }
  }
  return visible;
}

}  // namespace cross4d::synthetic4d
