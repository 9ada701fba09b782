// SPDX-License-Identifier: Apache-2.0
#include "core/geometry/parallel.h"
#include "core/geometry/splat.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <cmath>

namespace cross4d::geometry {
namespace {

/// Change of depth per pixel between the neighbours `a` and `b` of a pixel of depth `z`; 0 =
/// background.
float Slope(float a, float z, float b) {
  if (a > 0 && b > 0) return (b - a) / 2;
  if (b > 0) return b - z;
  return a > 0 ? z - a : 0;
}

/// Depth component of the surface's unit normal at each covered pixel of one frame.
void MultiplyByNormal(
    const float* depth, std::int32_t width, std::int32_t height, float focal, float* image) {
  for (std::int32_t y = 0; y < height; ++y) {
    for (std::int32_t x = 0; x < width; ++x) {
      const float* at = depth + static_cast<std::int64_t>(y) * width + x;
      const float z = *at;
      if (!(z > 0)) continue;
      const float dx = Slope(x > 0 ? at[-1] : 0, z, x + 1 < width ? at[1] : 0);
      const float dy = Slope(y > 0 ? at[-width] : 0, z, y + 1 < height ? at[width] : 0);
      // A pixel is z / focal wide at depth z.
      const float gx = dx * focal / z, gy = dy * focal / z;
      image[at - depth] *= 0.6f + 0.4f / std::sqrt(1 + (gx * gx + gy * gy));
    }
  }
}

}  // namespace

DepthRange RenderedRange(const ClipRaster& raster, const Camera& camera) {
  DepthRange range{0, 0};
  for (const float z : raster.depth) {
    if (!(z > 0)) continue;
    range.near_depth = range.near_depth > 0 ? std::min(range.near_depth, z) : z;
    range.far_depth = std::max(range.far_depth, z);
  }
  if (!(range.far_depth > 0)) return {camera.near_depth, camera.far_depth};
  return range;
}

std::vector<float> ShadeClip(const ClipRaster& raster,
                             const Camera& camera,
                             DepthRange range,
                             Shading shading,
                             int threads) {
  if (!(range.far_depth >= range.near_depth)) {
    FailInput("shading: depth range " + std::to_string(range.near_depth) + " to " +
              std::to_string(range.far_depth) + ", expected near <= far");
  }
  const std::int64_t pixels = std::int64_t{raster.width} * raster.height;
  const float span = range.far_depth - range.near_depth;
  const float scale = span > 0 ? 1 / span : 0;
  std::vector<float> image(raster.depth.size());
  ForEach(raster.frames, threads, [&](std::int64_t t) {
    const float* depth = &raster.depth[pixels * t];
    float* out = &image[pixels * t];
    for (std::int64_t i = 0; i < pixels; ++i) {
      const float far = std::clamp((depth[i] - range.near_depth) * scale, 0.0f, 1.0f);
      out[i] = depth[i] > 0 ? 1 - 0.8f * far : 0;
    }
    if (shading == Shading::kDepthNormal) {
      MultiplyByNormal(depth, raster.width, raster.height, camera.focal_px, out);
    }
  });
  return image;
}

}  // namespace cross4d::geometry
