// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/safetensors.h"

#include <cross4d/sdk/error.h>

#include <cstdint>
#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> file(reinterpret_cast<const std::byte*>(data), size);
  try {
    const auto layout = cross4d::tensorio::ParseSafetensors(file, "input");
    for (const auto& tensor : layout.tensors) {
      if (tensor.begin > tensor.end || layout.data_begin + tensor.end > size) std::abort();
    }
  } catch (const cross4d::Error&) {
  }
  return 0;
}
