// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/geometry/camera.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cross4d::geometry {

/// When a point counts as seen by the camera.
enum class Visibility {
  kOwnsPixel,    ///< its index stands in at least one pixel of the z-buffer
  kCentreDepth,  ///< the pixel it projects to holds its index, or a depth within the tolerance of
                 ///< its own
};

struct SplatOptions {
  float radius_px = 0;  ///< disc radius; 0 = from the point density, see AutomaticRadius
  Visibility visibility = Visibility::kOwnsPixel;
  float depth_tolerance = 0.01f;  ///< for kCentreDepth, in units of the camera's extent
  std::int32_t patch = 14;        ///< side of a teacher patch [px]; must divide width and height
  int threads = 1;                ///< over frames; results do not depend on it
};

/// One clip seen by one camera. Row-major buffers.
struct ClipRaster {
  std::int64_t frames = 0, points = 0;  ///< T, N
  std::int32_t width = 0, height = 0;   ///< W, H [px]
  float radius_px = 0;                  ///< the disc radius used
  std::vector<std::int32_t> index;      ///< [T, H, W] point that owns the pixel, -1 = background
  std::vector<float> depth;             ///< [T, H, W] its depth, 0 = background
  std::vector<std::uint8_t> visible;    ///< [T, N] 0 or 1
  std::vector<std::int32_t>
      pixel;  ///< [T, N] row * W + column it projects to; -1 = outside, behind
  std::vector<std::int32_t> patch;  ///< [T, N] row-major patch index of that pixel; -1 = outside
  double coverage = 0;              ///< visible points / all points
};

/// Renders every frame of `points` [T, N, 3]. Each point is a disc of `radius_px`: it covers the
/// pixels whose centre lies within the radius of its projection, and always the pixel it projects
/// to. A pixel keeps the smallest (depth bits << 32 | index), so ties go to the lower index and the
/// buffers are identical for any number of threads and on the GPU. Errors: Error(kInput) for sizes
/// that do not fit, a coordinate that is not finite (frame and point named), a patch that does not
/// divide the image.
ClipRaster RenderClip(std::span<const float> points,
                      std::int64_t frames,
                      const Camera& camera,
                      const SplatOptions& options);
/// The same into a raster that is used again: fresh memory costs more than the splats.
void RenderClip(std::span<const float> points,
                std::int64_t frames,
                const Camera& camera,
                const SplatOptions& options,
                ClipRaster& raster);

/// Disc radius for clouds of `points_per_frame`: 2/3 of the mean spacing, in pixels, of that many
/// points spread over the disc that the clip's bounding sphere covers; between 0.75 and 32 px. It
/// gives 2.2 px for 256 points at 64 x 64 and a field of view of 40 degrees.
float AutomaticRadius(const Camera& camera, std::int64_t points_per_frame);

enum class Shading {
  kDepth,        ///< 1 - 0.8 (z - near) / (far - near), clamped to [0.2, 1]; background 0
  kDepthNormal,  ///< times 0.6 + 0.4 n_z, n_z from the z-buffer's finite differences
};

/// The depths that map to 1 and 0.2.
struct DepthRange {
  float near_depth = 0, far_depth = 1;
};
/// Smallest and largest depth of the z-buffers of all frames; the camera's when nothing is
/// rendered.
DepthRange RenderedRange(const ClipRaster& raster, const Camera& camera);
/// Grey images [T, H, W] in [0, 1].
std::vector<float> ShadeClip(const ClipRaster& raster,
                             const Camera& camera,
                             DepthRange range,
                             Shading shading,
                             int threads = 1);

}  // namespace cross4d::geometry
