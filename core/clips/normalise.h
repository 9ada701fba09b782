// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace cross4d::clips {

/// Divides all `count` points by `divisor` (MSR-Action3D: 300).
inline void Divide(float divisor, std::int64_t count, float* xyz) {
  for (std::int64_t i = 0; i < 3 * count; ++i) xyz[i] /= divisor;
}

/// Centre of all `count` points to the origin, the farthest one at distance 1 (sums in double, in
/// order, so the result does not depend on threads). Points that are all the same stay at 0.
inline void FitUnitSphere(std::int64_t count, float* xyz) {
  double centre[3] = {0, 0, 0};
  for (std::int64_t i = 0; i < 3 * count; ++i) centre[i % 3] += xyz[i];
  double largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    double squared = 0;
    for (int k = 0; k < 3; ++k) {
      const double d = xyz[3 * i + k] - centre[k] / static_cast<double>(count);
      xyz[3 * i + k] = static_cast<float>(d);
      squared += d * d;
    }
    largest = std::max(largest, squared);
  }
  if (largest > 0) Divide(static_cast<float>(std::sqrt(largest)), count, xyz);
}

}  // namespace cross4d::clips
