// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/error.h>

#include <cstdint>
#include <string>
#include <vector>

#include "plugins/datasets/msr-action3d/depth_video.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cross4d::msr_action3d;
  try {
    DepthVideo video("fuzz", std::string(reinterpret_cast<const char*>(data), size));
    std::vector<Pixel> pixels;
    for (std::int64_t frame = 0; frame < video.count(); ++frame) video.Read(frame, &pixels);
  } catch (const cross4d::Error&) {
  }
  return 0;
}
