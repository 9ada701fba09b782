// SPDX-License-Identifier: Apache-2.0
#include "core/data/pack_format.h"

#include "core/base/hash.h"

namespace cross4d::data::pack {
namespace {

// Any will do, but never another.
constexpr char kKey[] = "cross4d-pack: key of the clips.";
static_assert(sizeof kKey == 32);

}  // namespace

std::string HeaderChecksum(const std::map<std::string, std::string>& metadata,
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

std::array<std::byte, kChecksumBytes> ClipChecksum(
    const std::vector<std::span<const std::byte>>& parts) {
  return base::Poly1305({kKey, sizeof kKey}, parts);
}

}  // namespace cross4d::data::pack
