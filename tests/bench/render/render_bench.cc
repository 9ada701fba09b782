// SPDX-License-Identifier: Apache-2.0
// Times rendering with correspondence on one thread. Driven by render_bench.py, which compares with
// peers:
//   bench_render POINTS.f32 FRAMES SIZE
// POINTS holds FRAMES x N x 3 float32. Prints the camera as one JSON line, then answers each line
// of its input, so that the peers can be timed in between:
//   splat RADIUS        ms of one call of RenderClip: z-buffers, who owns which pixel, who is seen
//   full RADIUS         the same with cameras and shaded images
//   index RADIUS FILE   writes the pixels' point indices, int32
#include "core/geometry/splat.h"

#include <cross4d/sdk/error.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
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

template <class Work>
double Ms(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  return took.count();
}

void PrintCamera(const geometry::Camera& c, std::int64_t points) {
  std::printf(
      "{\"target\": [%.9g, %.9g, %.9g], \"distance\": %.9g, \"focal_px\": %.9g, "
      "\"automatic_radius_px\": %.6f, \"rotation\": [",
      c.target[0],
      c.target[1],
      c.target[2],
      c.distance,
      c.focal_px,
      geometry::AutomaticRadius(c, points));
  for (int i = 0; i < 9; ++i) std::printf("%s%.9g", i == 0 ? "" : ", ", c.cam_from_world[i]);
  std::printf("]}\n");
  std::fflush(stdout);
}

void Answer(std::istringstream request,
            const std::vector<float>& points,
            std::int64_t frames,
            const geometry::CameraOptions& setting,
            geometry::ClipRaster& raster) {
  std::string what, file;
  geometry::SplatOptions options;
  request >> what >> options.radius_px >> file;
  const geometry::Camera camera = geometry::PlaceCameras(points, setting).front();
  std::vector<float> images;
  if (what == "splat" || what == "index") {
    const double ms = Ms([&] { geometry::RenderClip(points, frames, camera, options, raster); });
    std::printf("%.6f\n", ms);
  } else if (what == "full") {
    const double ms = Ms([&] {
      const geometry::Camera placed = geometry::PlaceCameras(points, setting).front();
      geometry::RenderClip(points, frames, placed, options, raster);
      images = geometry::ShadeClip(
          raster, placed, geometry::RenderedRange(raster, placed), geometry::Shading::kDepthNormal);
    });
    std::printf("%.6f\n", ms);
  } else {
    cross4d::FailInput("request '" + what + "': expected splat, full or index");
  }
  if (what == "index") {
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(raster.index.data()),
               static_cast<std::streamsize>(raster.index.size() * sizeof(std::int32_t)));
  }
  std::fflush(stdout);
}

int Run(const std::vector<std::string>& args) {
  const std::vector<float> points = ReadFloats(args[1]);
  const std::int64_t frames = std::stoll(args[2]);
  geometry::CameraOptions setting;
  setting.width = setting.height = std::stoi(args[3]);
  PrintCamera(geometry::PlaceCameras(points, setting).front(),
              static_cast<std::int64_t>(points.size()) / (3 * frames));
  geometry::ClipRaster raster;  // used again, as the features stage does
  for (std::string line; std::getline(std::cin, line);) {
    Answer(std::istringstream(line), points, frames, setting, raster);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 4) cross4d::FailInput("usage: bench_render POINTS FRAMES SIZE");
    return Run({argv, argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_render: %s\n", e.what());
    return 2;
  }
}
