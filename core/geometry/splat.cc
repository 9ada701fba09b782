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

constexpr std::uint64_t kBackground = ~std::uint64_t{0};

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

void FillZBuffer(const FrameView& f,
                 const Camera& camera,
                 float radius,
                 std::vector<std::uint64_t>& keys,
                 std::vector<float>& depths) {
  std::fill(keys.begin(), keys.end(), kBackground);
  for (std::int64_t i = 0; i < f.n; ++i) {
    const Projection p = kernels::ProjectPoint(camera, f.points + 3 * i);
    depths[i] = p.depth;
    f.pixel[i] = kernels::PixelOf(camera, p);
    const std::uint64_t key = kernels::OrderKey(p.depth, static_cast<std::uint32_t>(i));
    std::uint64_t* const buffer = keys.data();
    kernels::ForDiscPixels(camera, p, radius, [buffer, key](std::int32_t at) {
      buffer[at] = std::min(buffer[at], key);
    });
  }
}

/// Depth and index from the keys; returns nothing, marks owners in `visible`.
void UnpackZBuffer(const FrameView& f, const std::vector<std::uint64_t>& keys) {
  for (std::size_t at = 0; at < keys.size(); ++at) {
    const std::uint64_t key = keys[at];
    const bool covered = key != kBackground;
    f.index[at] = covered ? kernels::KeyIndex(key) : -1;
    f.depth[at] = covered ? kernels::KeyValue(key) : 0;
  }
}

void FindVisible(const FrameView& f,
                 const Camera& camera,
                 const SplatOptions& options,
                 const std::vector<std::uint64_t>& keys,
                 const std::vector<float>& depths) {
  if (options.visibility == Visibility::kOwnsPixel) {
    std::fill_n(f.visible, f.n, std::uint8_t{0});
    for (std::size_t at = 0; at < keys.size(); ++at) {
      if (f.index[at] >= 0) f.visible[f.index[at]] = 1;
    }
    for (std::int64_t i = 0; i < f.n; ++i) f.visible[i] &= f.pixel[i] >= 0;
    return;
  }
  const float tolerance = options.depth_tolerance * camera.extent;
  for (std::int64_t i = 0; i < f.n; ++i) {
    f.visible[i] = f.pixel[i] >= 0 &&
                   kernels::CentreVisible(
                       keys[f.pixel[i]], static_cast<std::uint32_t>(i), depths[i], tolerance);
  }
}

void FindPatches(const FrameView& f, const Camera& camera, std::int32_t patch) {
  const std::int32_t columns = camera.width / patch;
  for (std::int64_t i = 0; i < f.n; ++i) {
    const std::int32_t at = f.pixel[i];
    const std::int32_t row = at / camera.width, column = at % camera.width;
    f.patch[i] = at < 0 ? -1 : row / patch * columns + column / patch;
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
  const std::int64_t n = CheckCall(points, frames, camera, options);
  const std::int64_t pixels = std::int64_t{camera.width} * camera.height;
  ClipRaster r;
  r.frames = frames;
  r.points = n;
  r.width = camera.width;
  r.height = camera.height;
  r.radius_px = options.radius_px > 0 ? options.radius_px : AutomaticRadius(camera, n);
  r.index.resize(frames * pixels);
  r.depth.resize(frames * pixels);
  r.visible.resize(frames * n);
  r.pixel.resize(frames * n);
  r.patch.resize(frames * n);
  ForEach(frames, options.threads, [&](std::int64_t t) {
    RequireFinite(points.subspan(3 * n * t, 3 * n), "splat: frame " + std::to_string(t));
    const FrameView f = {&points[3 * n * t],
                         n,
                         &r.index[pixels * t],
                         &r.depth[pixels * t],
                         &r.visible[n * t],
                         &r.pixel[n * t],
                         &r.patch[n * t]};
    // One per thread, kept over frames: allocating and touching them costs more than the splats.
    thread_local std::vector<std::uint64_t> keys;
    thread_local std::vector<float> depths;
    keys.resize(pixels);
    depths.resize(n);
    FillZBuffer(f, camera, r.radius_px, keys, depths);
    UnpackZBuffer(f, keys);
    FindVisible(f, camera, options, keys, depths);
    FindPatches(f, camera, options.patch);
  });
  const auto seen = std::accumulate(r.visible.begin(), r.visible.end(), std::int64_t{0});
  r.coverage = static_cast<double>(seen) / static_cast<double>(frames * n);
  return r;
}

}  // namespace cross4d::geometry
