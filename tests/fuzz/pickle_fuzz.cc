// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/pickle.h"

#include <cross4d/sdk/error.h>

#include <cstdint>

// Every global is allowed, so that the machine is reached behind them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> stream(reinterpret_cast<const std::byte*>(data), size);
  try {
    cross4d::tensorio::Pickle::Parse(stream, "input", [](std::string_view) { return true; });
  } catch (const cross4d::Error&) {
  }
  return 0;
}
