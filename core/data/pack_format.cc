// SPDX-License-Identifier: Apache-2.0
#include "core/data/pack_format.h"

#include "core/base/hash.h"

#include <cross4d/sdk/error.h>

#include <openssl/evp.h>

#include <memory>

namespace cross4d::data::pack {
namespace {

// Any will do, but never another.
constexpr unsigned char kKey[] = "cross4d-pack: key of the clips.";
static_assert(sizeof kKey == 32);

const EVP_MAC* Poly1305() {
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "POLY1305", nullptr);
  if (mac == nullptr) {
    throw Error(ErrorCode::kEnvironment,
                "libcrypto offers no Poly1305 (is it in a restricted mode?)");
  }
  return mac;
}

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
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(
      EVP_MAC_CTX_new(const_cast<EVP_MAC*>(Poly1305())), &EVP_MAC_CTX_free);
  bool good = context != nullptr && EVP_MAC_init(context.get(), kKey, sizeof kKey, nullptr) == 1;
  for (const auto& part : parts) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(part.data());
    good = good && EVP_MAC_update(context.get(), bytes, part.size()) == 1;
  }
  std::array<std::byte, kChecksumBytes> sum{};
  std::size_t size = 0;
  good = good &&
         EVP_MAC_final(
             context.get(), reinterpret_cast<unsigned char*>(sum.data()), &size, sum.size()) == 1;
  if (!good || size != sum.size()) throw Error(ErrorCode::kInternal, "Poly1305 failed");
  return sum;
}

}  // namespace cross4d::data::pack
