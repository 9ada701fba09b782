// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/error.h>

#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "names.h"
#include "text_frame.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cross4d::hoi4d;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ParsePath(text);
  std::vector<float> xyz;
  std::vector<std::int64_t> labels;
  try {
    ParseTextFrame(text, "fuzz", &xyz, &labels);
    if (xyz.size() != 3 * labels.size()) __builtin_trap();
  } catch (const cross4d::Error&) {
  }
  return 0;
}
