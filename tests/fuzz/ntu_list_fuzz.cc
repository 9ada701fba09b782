// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/error.h>

#include <cstdint>
#include <string_view>

#include "names.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cross4d::ntu_rgbd60;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto video = ParseName(text); video && video->id() != text) __builtin_trap();
  try {
    ParseList(text, "fuzz");
  } catch (const cross4d::Error&) {
  }
  return 0;
}
