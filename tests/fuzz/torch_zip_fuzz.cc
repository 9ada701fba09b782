// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/checkpoint_internal.h"

#include <cross4d/sdk/error.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/fuzz/zip_of.h"

namespace {

/// A checkpoint with this pickle and six storages.
std::string CheckpointOf(const std::string& pickle) {
  std::vector<std::pair<std::string, std::string>> members = {
      {"state/data.pkl", pickle}, {"state/byteorder", "little"}, {"state/version", "3\n"}};
  for (int i = 0; i < 6; ++i)
    members.emplace_back("state/data/" + std::to_string(i), std::string(24, '\x3f'));
  return cross4d::test::ZipOf(members);
}

}  // namespace

// A zip file, or else the pickle inside of one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cross4d::tensorio;
  const std::string input(reinterpret_cast<const char*>(data), size);
  const std::string file = input.starts_with("PK") ? input : CheckpointOf(input);
  try {
    const auto checkpoint =
        OpenTorchZip(ZipArchive::FromBytes(std::as_bytes(std::span(file)), "input"), "input", ".");
    for (const std::string& name : checkpoint->names()) checkpoint->Read(name);
  } catch (const cross4d::Error&) {
  }
  return 0;
}
