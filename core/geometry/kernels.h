// SPDX-License-Identifier: Apache-2.0
// Loop bodies that the CPU and the CUDA forms share, so that a machine without a GPU tests the
// arithmetic that the GPU runs. No contraction of multiply-add on either side (-ffp-contract=off,
// --fmad=false).
#pragma once

#include "core/geometry/camera.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#define CROSS4D_HD __host__ __device__ inline
#else
#define CROSS4D_HD inline
#endif

namespace cross4d::geometry::kernels {

CROSS4D_HD std::uint32_t FloatBits(float value) {
  std::uint32_t bits = 0;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

CROSS4D_HD float BitsFloat(std::uint32_t bits) {
  float value = 0;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

/// `value` >= 0. Keys order by value, then index; the order of float bits is that of the floats.
CROSS4D_HD std::uint64_t OrderKey(float value, std::uint32_t index) {
  return static_cast<std::uint64_t>(FloatBits(value)) << 32 | index;
}
CROSS4D_HD std::int32_t KeyIndex(std::uint64_t key) {
  return static_cast<std::int32_t>(key & 0xffffffffu);
}
CROSS4D_HD float KeyValue(std::uint64_t key) {
  return BitsFloat(static_cast<std::uint32_t>(key >> 32));
}

CROSS4D_HD float SquaredDistance(float ax, float ay, float az, float bx, float by, float bz) {
  const float dx = ax - bx, dy = ay - by, dz = az - bz;
  return (dx * dx + dy * dy) + dz * dz;
}

/// Running squared distance of a point to the picks of farthest point sampling.
CROSS4D_HD float NearerDistance(float so_far, float to_new_pick) {
  return to_new_pick < so_far ? to_new_pick : so_far;
}

/// Puts `key` into the ascending list of the `count` <= `k` smallest keys; returns the new count.
CROSS4D_HD std::int32_t InsertNearest(std::uint64_t* keys,
                                      std::int32_t count,
                                      std::int32_t k,
                                      std::uint64_t key) {
  if (count == k && key >= keys[k - 1]) return count;
  std::int32_t at = count < k ? count : k - 1;
  for (; at > 0 && keys[at - 1] > key; --at) keys[at] = keys[at - 1];
  keys[at] = key;
  return count < k ? count + 1 : k;
}

/// One row of a ball query over a row-major cloud: see BallQuery. Returns the number of true hits.
CROSS4D_HD std::int32_t BallRow(const float* points,
                                std::int32_t n,
                                const float* query,
                                float radius,
                                std::int32_t k,
                                std::int32_t* row) {
  const float limit = radius * radius;
  std::int32_t found = 0;
  for (std::int32_t i = 0; i < n && found < k; ++i) {
    const float* p = points + 3 * static_cast<std::int64_t>(i);
    if (SquaredDistance(p[0], p[1], p[2], query[0], query[1], query[2]) < limit) row[found++] = i;
  }
  for (std::int32_t j = found; j < k; ++j) row[j] = found > 0 ? row[0] : 0;
  return found;
}

CROSS4D_HD Projection ProjectPoint(const Camera& camera, const float* point) {
  const float dx = point[0] - camera.target[0];
  const float dy = point[1] - camera.target[1];
  const float dz = point[2] - camera.target[2];
  const auto& r = camera.cam_from_world;
  const float x = (r[0] * dx + r[1] * dy) + r[2] * dz;
  const float y = (r[3] * dx + r[4] * dy) + r[5] * dz;
  const float z = ((r[6] * dx + r[7] * dy) + r[8] * dz) + camera.distance;
  Projection out;
  out.depth = z;
  if (z > 0) {
    const float scale = camera.focal_px / z;
    out.x_px = camera.centre_x_px + x * scale;
    out.y_px = camera.centre_y_px + y * scale;
  }
  return out;
}

/// row * W + column that a projection falls on, or -1: outside the image or behind the camera.
CROSS4D_HD std::int32_t PixelOf(const Camera& camera, const Projection& p) {
  const bool inside = p.depth > 0 && p.x_px >= 0 && p.x_px < static_cast<float>(camera.width) &&
                      p.y_px >= 0 && p.y_px < static_cast<float>(camera.height);
  if (!inside) return -1;
  return static_cast<std::int32_t>(p.y_px) * camera.width + static_cast<std::int32_t>(p.x_px);
}

/// First and last pixel column (or row) whose centre can lie within `radius` of `centre`, cut to
/// [0, size); an empty range has first > last.
CROSS4D_HD void DiscSpan(
    float centre, float radius, std::int32_t size, std::int32_t* first, std::int32_t* last) {
  const float low = ceilf(centre - radius - 0.5f), high = floorf(centre + radius - 0.5f);
  const float top = static_cast<float>(size - 1);
  *first = low > 0 ? (low > top ? size : static_cast<std::int32_t>(low)) : 0;
  *last = high < top ? (high < 0 ? -1 : static_cast<std::int32_t>(high)) : size - 1;
}

/// Calls `put(pixel)` for every pixel of the point's disc; see RenderClip.
template <class Put>
CROSS4D_HD void ForDiscPixels(const Camera& camera, const Projection& p, float radius, Put put) {
  if (!(p.depth > 0)) return;
  std::int32_t x0 = 0, x1 = -1, y0 = 0, y1 = -1;
  DiscSpan(p.x_px, radius, camera.width, &x0, &x1);
  DiscSpan(p.y_px, radius, camera.height, &y0, &y1);
  const float limit = radius * radius;
  for (std::int32_t y = y0; y <= y1; ++y) {
    const float dy = (static_cast<float>(y) + 0.5f) - p.y_px;
    for (std::int32_t x = x0; x <= x1; ++x) {
      const float dx = (static_cast<float>(x) + 0.5f) - p.x_px;
      if (dx * dx + dy * dy <= limit) put(y * camera.width + x);
    }
  }
  const std::int32_t own = PixelOf(camera, p);
  if (own >= 0) put(own);
}

/// The centre-depth rule: the pixel holds the point itself, or a depth within `tolerance` of its
/// own.
CROSS4D_HD bool CentreVisible(std::uint64_t key,
                              std::uint32_t index,
                              float depth,
                              float tolerance) {
  if (static_cast<std::uint32_t>(key) == index) return true;
  return fabsf(depth - KeyValue(key)) <= tolerance;
}

}  // namespace cross4d::geometry::kernels
