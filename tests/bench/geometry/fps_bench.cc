// SPDX-License-Identifier: Apache-2.0
// Times the geometry kit's CPU forms on one thread. Driven by fps_bench.py, which compares with
// peers:
//   bench_fps POINTS.f32 FRAMES M K PICKED.i32 NEIGHBOURS.i32
// POINTS holds FRAMES x N x 3 float32. Prints one JSON object with the best of several rounds in
// ms.
#include "core/geometry/farthest_points.h"
#include "core/geometry/neighbours.h"
#include "core/geometry/splat.h"

#include <cross4d/sdk/error.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace {

namespace geometry = cross4d::geometry;

std::vector<float> ReadFloats(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) cross4d::FailInput("cannot open " + path);
  std::vector<float> values(static_cast<std::size_t>(file.tellg()) / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

void WriteIndices(const std::string& path, const std::vector<std::int32_t>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(std::int32_t)));
}

double BestMs(const std::function<void()>& work, int rounds = 9) {
  double best = 1e30;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  return best;
}

int Run(const std::vector<std::string>& args) {
  const std::vector<float> points = ReadFloats(args[1]);
  const std::int64_t frames = std::stoll(args[2]), m = std::stoll(args[3]), k = std::stoll(args[4]);
  const std::int64_t n = static_cast<std::int64_t>(points.size()) / (3 * frames);
  std::vector<std::int32_t> picked(frames * m), neighbours(frames * m * k);
  const double fps_ms = BestMs([&] { geometry::FarthestPointsOfClip(points, frames, picked, 1); });

  std::vector<float> queries(frames * m * 3);
  for (std::int64_t i = 0; i < frames * m; ++i) {
    for (int j = 0; j < 3; ++j) queries[3 * i + j] = points[3 * (i / m * n + picked[i]) + j];
  }
  const std::span<const float> all(points), centres(queries);
  const double knn_ms = BestMs([&] {
    for (std::int64_t t = 0; t < frames; ++t) {
      geometry::NearestNeighbours(all.subspan(3 * n * t, 3 * n),
                                  centres.subspan(3 * m * t, 3 * m),
                                  std::span(neighbours).subspan(t * m * k, m * k));
    }
  });

  const geometry::Camera camera = geometry::PlaceCameras(points, {}).front();
  geometry::ClipRaster raster;
  const double splat_ms =
      BestMs([&] { raster = geometry::RenderClip(points, frames, camera, {}); });
  const double shade_ms = BestMs([&] {
    geometry::ShadeClip(
        raster, camera, {camera.near_depth, camera.far_depth}, geometry::Shading::kDepthNormal);
  });
  WriteIndices(args[5], picked);
  WriteIndices(args[6], neighbours);
  std::printf(
      "{\"fps_ms\": %.3f, \"knn_ms\": %.3f, \"splat_ms_per_frame\": %.4f, "
      "\"shade_ms_per_frame\": %.4f, \"coverage\": %.3f, \"radius_px\": %.3f}\n",
      fps_ms,
      knn_ms,
      splat_ms / static_cast<double>(frames),
      shade_ms / static_cast<double>(frames),
      raster.coverage,
      static_cast<double>(raster.radius_px));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 7) cross4d::FailInput("usage: bench_fps POINTS FRAMES M K PICKED NEIGHBOURS");
    return Run({argv, argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_fps: %s\n", e.what());
    return 2;
  }
}
