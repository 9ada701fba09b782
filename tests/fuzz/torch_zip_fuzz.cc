// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/checkpoint_internal.h"

#include <cross4d/sdk/error.h>

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cross4d::tensorio;
  const std::span<const std::byte> file(reinterpret_cast<const std::byte*>(data), size);
  try {
    const auto checkpoint = OpenTorchZip(ZipArchive::FromBytes(file, "input"), "input", ".");
    for (const std::string& name : checkpoint->names()) checkpoint->Read(name);
  } catch (const cross4d::Error&) {
  }
  return 0;
}
