// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace cross4d::geometry {

/// Clouds for tests. Coordinates on a coarse grid give many equal distances and duplicates.
inline std::vector<float> GridCloud(std::uint32_t seed, std::int64_t n, int steps) {
  std::mt19937 random(seed);
  std::vector<float> points(3 * n);
  for (float& v : points) v = static_cast<float>(random() % steps) * 0.25f - 1;
  return points;
}

inline std::vector<float> RandomCloud(std::uint32_t seed, std::int64_t n) {
  std::mt19937 random(seed);
  std::vector<float> points(3 * n);
  for (float& v : points) v = static_cast<float>(random() >> 8) * 0x1p-23f - 1;
  return points;
}

inline float Distance2(const float* a, const float* b) {
  const float dx = a[0] - b[0], dy = a[1] - b[1], dz = a[2] - b[2];
  return (dx * dx + dy * dy) + dz * dz;
}

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

}  // namespace cross4d::geometry
