// SPDX-License-Identifier: Apache-2.0
#include "core/clips/fingerprint.h"

#include <cross4d/sdk/random.h>

#include <system_error>

namespace cross4d::clips {

void FolderFingerprint::Add(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  Add(file.filename().string(), error ? 0 : size);
}

void FolderFingerprint::Add(const std::string& name, std::uint64_t size) {
  hash_ = MixSeed({hash_, HashText(name), size});
  ++files_;
}

std::string FolderFingerprint::Text() const {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text = std::to_string(files_) + " files, ";
  for (int shift = 60; shift >= 0; shift -= 4) text += kHex[(hash_ >> shift) & 15];
  return text;
}

}  // namespace cross4d::clips
