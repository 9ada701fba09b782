// SPDX-License-Identifier: Apache-2.0
#include "core/geometry/splat.h"

#include "core/geometry/cloud.h"
#include "core/geometry/kernels.h"
#include "core/geometry/parallel.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace cross4d::geometry {
namespace {

/// Checks the call and returns the number of points of a frame.
std::int64_t CheckCall(std::span<const float> points,
                       std::int64_t frames,
                       const Camera& camera,
                       const SplatOptions& options) {
  if (frames <= 0 || points.empty() || points.size() % (3 * frames) != 0) {
    FailInput("splat: " + std::to_string(points.size()) + " numbers do not make " +
              std::to_string(frames) + " frames of x, y, z points");
  }
  if (camera.width <= 0 || camera.height <= 0) FailInput("splat: the camera has no image size");
  if (options.patch <= 0 || camera.width % options.patch != 0 ||
      camera.height % options.patch != 0) {
    FailInput("splat: patch " + std::to_string(options.patch) +
              " px does not divide the image of " + std::to_string(camera.width) + " x " +
              std::to_string(camera.height) + " px");
  }
  if (!(options.radius_px >= 0 && options.radius_px <= 1000)) {
    FailInput("splat: radius is " + std::to_string(options.radius_px) + ", expected 0 to 1000 px");
  }
  return static_cast<std::int64_t>(points.size()) / (3 * frames);
}

/// One frame's part of the clip's buffers.
struct FrameView {
  const float* points;
  std::int64_t n;
  std::int32_t* index;
  float* depth;
  std::uint8_t* visible;
  std::int32_t* pixel;
  std::int32_t* patch;
};

/// Patch index of a pixel without dividing: row_start[y] + column[x].
struct PatchTable {
  PatchTable(const Camera& camera, std::int32_t patch)
      : row_start(static_cast<std::size_t>(camera.height)),
        column(static_cast<std::size_t>(camera.width)) {
    for (std::int32_t x = 0; x < camera.width; ++x) column[x] = x / patch;
    for (std::int32_t y = 0; y < camera.height; ++y) {
      row_start[y] = y / patch * (camera.width / patch);
    }
  }
  std::vector<std::int32_t> row_start, column;
};

/// Fills the z-buffer, whose depths are 0 and indices -1. `owned`: pixels per point.
///
/// Points come in the order of their indices, so that a pixel changes hands only for a smaller
/// depth: what is left is the minimum of kernels::OrderKey. Depths are positive, so their bits
/// order as they do; less one, the background's 0 is the largest.
void Splat(const FrameView& f,
           const Camera& camera,
           float radius,
           const PatchTable& patches,
           std::vector<std::int32_t>& owned,
           std::vector<float>& depths) {
  for (std::int64_t i = 0; i < f.n; ++i) {
    const Projection p = kernels::ProjectPoint(camera, f.points + 3 * i);
    depths[i] = p.depth;
    const std::int32_t own = kernels::PixelOf(camera, p);
    f.pixel[i] = own;
    f.patch[i] = own < 0 ? -1
                         : patches.row_start[static_cast<std::int32_t>(p.y_px)] +
                               patches.column[static_cast<std::int32_t>(p.x_px)];
    const std::uint32_t order = kernels::FloatBits(p.depth) - 1;
    std::int32_t taken = 0;
    kernels::ForDiscPixels(camera, p, radius, [&](std::int32_t at) {
      if (order >= kernels::FloatBits(f.depth[at]) - 1) return;
      if (f.index[at] >= 0) --owned[f.index[at]];
      f.depth[at] = p.depth;
      f.index[at] = static_cast<std::int32_t>(i);
      ++taken;
    });
    owned[i] = taken;
  }
}

void FindVisible(const FrameView& f,
                 const Camera& camera,
                 const SplatOptions& options,
                 const std::vector<std::int32_t>& owned,
                 const std::vector<float>& depths) {
  if (options.visibility == Visibility::kOwnsPixel) {
    for (std::int64_t i = 0; i < f.n; ++i) f.visible[i] = owned[i] > 0 && f.pixel[i] >= 0;
    return;
  }
  const float tolerance = options.depth_tolerance * camera.extent;
  for (std::int64_t i = 0; i < f.n; ++i) {
    const std::int32_t at = f.pixel[i];
    f.visible[i] =
        at >= 0 && kernels::CentreVisible(
                       kernels::OrderKey(f.depth[at], static_cast<std::uint32_t>(f.index[at])),
                       static_cast<std::uint32_t>(i),
                       depths[i],
                       tolerance);
  }
}

}  // namespace

float AutomaticRadius(const Camera& camera, std::int64_t points_per_frame) {
  const double clip_radius_px = double{camera.focal_px} * camera.extent / camera.distance;
  const double area = std::numbers::pi * clip_radius_px * clip_radius_px;
  const double spacing =
      std::sqrt(area / static_cast<double>(std::max<std::int64_t>(points_per_frame, 1)));
  return static_cast<float>(std::clamp(spacing * 2 / 3, 0.75, 32.0));
}

ClipRaster RenderClip(std::span<const float> points,
                      std::int64_t frames,
                      const Camera& camera,
                      const SplatOptions& options) {
  ClipRaster raster;
  RenderClip(points, frames, camera, options, raster);
  return raster;
}

void RenderClip(std::span<const float> points,
                std::int64_t frames,
                const Camera& camera,
                const SplatOptions& options,
                ClipRaster& r) {
  const std::int64_t n = CheckCall(points, frames, camera, options);
  const std::int64_t pixels = std::int64_t{camera.width} * camera.height;
  r.frames = frames;
  r.points = n;
  r.width = camera.width;
  r.height = camera.height;
  r.radius_px = options.radius_px > 0 ? options.radius_px : AutomaticRadius(camera, n);
  r.index.assign(frames * pixels, -1);
  r.depth.assign(frames * pixels, 0);
  r.visible.resize(frames * n);
  r.pixel.resize(frames * n);
  r.patch.resize(frames * n);
  const PatchTable patches(camera, options.patch);
  ForEach(frames, options.threads, [&](std::int64_t t) {
    RequireFinite(points.subspan(3 * n * t, 3 * n), "splat: frame " + std::to_string(t));
    const FrameView f = {&points[3 * n * t],
                         n,
                         &r.index[pixels * t],
                         &r.depth[pixels * t],
                         &r.visible[n * t],
                         &r.pixel[n * t],
                         &r.patch[n * t]};
    std::vector<std::int32_t> owned(n);
    std::vector<float> depths(n);
    Splat(f, camera, r.radius_px, patches, owned, depths);
    FindVisible(f, camera, options, owned, depths);
  });
  const auto seen = std::accumulate(r.visible.begin(), r.visible.end(), std::int64_t{0});
  r.coverage = static_cast<double>(seen) / static_cast<double>(frames * n);
}

}  // namespace cross4d::geometry
