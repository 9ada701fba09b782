// SPDX-License-Identifier: Apache-2.0
#include "core/geometry/cloud.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace cross4d::geometry {

std::int64_t CloudSize(std::span<const float> points, const std::string& what) {
  if (points.empty()) FailInput(what + " has no points; at least one is needed");
  if (points.size() % 3 != 0) {
    FailInput(what + " has " + std::to_string(points.size()) +
              " numbers; expected x, y, z per point (a multiple of 3)");
  }
  return static_cast<std::int64_t>(points.size() / 3);
}

void RequireFinite(std::span<const float> points, const std::string& what) {
  // x - x is 0 for finite numbers and NaN otherwise; the sum keeps the first loop free of branches.
  float sum = 0;
  for (const float v : points) sum += v - v;
  if (sum == 0) return;
  const auto bad =
      std::find_if(points.begin(), points.end(), [](float v) { return !std::isfinite(v); });
  const auto at = bad - points.begin();
  FailInput(what + ", point " + std::to_string(at / 3) + ": coordinate " + "xyz"[at % 3] + " is " +
            std::to_string(*bad) + ", expected a finite number; remove such points when reading");
}

CloudArrays::CloudArrays(std::span<const float> points, std::int64_t block)
    : size(static_cast<std::int64_t>(points.size() / 3)),
      padded((size + block - 1) / block * block) {
  constexpr float kFar = std::numeric_limits<float>::max();
  x.resize(padded, kFar);
  y.resize(padded, kFar);
  z.resize(padded, kFar);
  for (std::int64_t i = 0; i < size; ++i) {
    x[i] = points[3 * i];
    y[i] = points[3 * i + 1];
    z[i] = points[3 * i + 2];
  }
}

}  // namespace cross4d::geometry
