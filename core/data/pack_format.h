// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/hash.h"
#include "core/tensorio/safetensors.h"

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

/// What writer and reader of packs share.
namespace cross4d::data::pack {

inline constexpr const char* kFormat = "cross4d-pack";
inline constexpr const char* kFormatVersion = "1";
inline constexpr const char* kChecksum = "checksum";
inline constexpr std::int64_t kReasonBytes = 512, kSha256Bytes = 32;

/// Hash of everything that the header says, less the entry that holds it.
inline std::string HeaderChecksum(const std::map<std::string, std::string>& metadata,
                                  const std::vector<tensorio::TensorDecl>& tensors) {
  std::string text;
  for (const auto& [key, value] : metadata) {
    if (key != kChecksum) text += key + '=' + std::to_string(value.size()) + ':' + value + '\n';
  }
  for (const tensorio::TensorDecl& tensor : tensors) {
    text += tensor.name + ' ' + std::string(tensorio::DTypeName(tensor.dtype));
    for (const std::int64_t side : tensor.shape) text += ' ' + std::to_string(side);
    text += '\n';
  }
  return base::Sha256Hex(text);
}

/// Hash of one clip's bytes in all tensors but sha256, in the order of the file.
inline std::string ClipChecksum(const std::vector<std::span<const std::byte>>& parts) {
  base::Sha256 sum;
  for (const auto& part : parts) sum.Update(part.data(), part.size());
  return sum.Finish();
}

}  // namespace cross4d::data::pack
