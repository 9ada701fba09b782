// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/npy.h"
#include "core/tensorio/zip_archive.h"

#include <cross4d/sdk/error.h>

#include <cstdint>

// As ReadNpz, from memory; a few packed bytes may hold many.
constexpr std::uint64_t kMostBytes = 1 << 20;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cross4d::tensorio;
  const std::span<const std::byte> file(reinterpret_cast<const std::byte*>(data), size);
  try {
    const auto zip = ZipArchive::FromBytes(file, "input");
    for (std::size_t i = 0; i < zip->members().size(); ++i) {
      zip->ReadStart(i, 4096);
      for (const auto& item : ParseNpy(zip->Read(i, kMostBytes), "input").items) item.ToDoubles();
    }
  } catch (const cross4d::Error&) {
  }
  return 0;
}
