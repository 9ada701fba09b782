// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/npy.h"
#include "core/tensorio/zip_archive.h"

#include <cross4d/sdk/error.h>

#include <cstdint>
#include <string>

#include "tests/fuzz/zip_of.h"

// As ReadNpz, from memory: a zip file, or else the array inside of one. A few packed bytes may hold
// many.
constexpr std::uint64_t kMostBytes = 1 << 20;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cross4d::tensorio;
  const std::string input(reinterpret_cast<const char*>(data), size);
  const std::string file =
      input.starts_with("PK") ? input : cross4d::test::ZipOf({{"data.npy", input}});
  try {
    const auto zip = ZipArchive::FromBytes(std::as_bytes(std::span(file)), "input");
    for (std::size_t i = 0; i < zip->members().size(); ++i) {
      zip->ReadStart(i, 4096);
      for (const auto& item : ParseNpy(zip->Read(i, kMostBytes), "input").items) item.ToDoubles();
    }
  } catch (const cross4d::Error&) {
  }
  return 0;
}
