// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/npy.h"

#include <cross4d/sdk/error.h>

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> file(reinterpret_cast<const std::byte*>(data), size);
  try {
    for (const auto& item : cross4d::tensorio::ParseNpy(file, "input").items) item.ToDoubles();
  } catch (const cross4d::Error&) {
  }
  return 0;
}
