// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/error.h>

#include <cstdint>
#include <string>
#include <vector>

#include "plugins/datasets/dt4d-animals/surface.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cross4d::dt4d_animals;
  try {
    AnimeFile file("fuzz", std::string(reinterpret_cast<const char*>(data), size));
    const SurfacePoints surface(
        file.first_frame(), file.triangles(), 16, cross4d::RandomStream(size));
    if (surface.empty()) return 0;
    std::vector<float> vertices, points(3 * 16);
    for (std::int64_t frame = 0; frame < file.frames(); ++frame) {
      file.ReadFrame(frame, &vertices);
      surface.Place(vertices, points.data());
    }
  } catch (const cross4d::Error&) {
  }
  return 0;
}
