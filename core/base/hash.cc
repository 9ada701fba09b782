// SPDX-License-Identifier: Apache-2.0
#include "core/base/hash.h"

#include <cross4d/sdk/error.h>

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace cross4d::base {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  bool finished = false;
  State() {
    if (context == nullptr || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) {
      throw Error(ErrorCode::kEnvironment,
                  "libcrypto offers no SHA-256 (is it in a restricted mode?)");
    }
  }
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;

void Sha256::Update(const void* data, std::size_t size) {
  if (state_->finished || EVP_DigestUpdate(state_->context, data, size) != 1) {
    throw Error(ErrorCode::kInternal, "SHA-256 was used after it was finished");
  }
}

std::string Sha256::Finish() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  // libcrypto 3 does not refuse this by itself.
  if (std::exchange(state_->finished, true) ||
      EVP_DigestFinal_ex(state_->context, digest, &size) != 1) {
    throw Error(ErrorCode::kInternal, "SHA-256 was finished twice");
  }
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 15];
  }
  return text;
}

std::array<std::byte, 16> Poly1305(std::string_view key,
                                   const std::vector<std::span<const std::byte>>& parts) {
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "POLY1305", nullptr);
  if (mac == nullptr) {
    throw Error(ErrorCode::kEnvironment,
                "libcrypto offers no Poly1305 (is it in a restricted mode?)");
  }
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(EVP_MAC_CTX_new(mac),
                                                                          &EVP_MAC_CTX_free);
  const auto* secret = reinterpret_cast<const unsigned char*>(key.data());
  bool good = context != nullptr && EVP_MAC_init(context.get(), secret, key.size(), nullptr) == 1;
  for (const auto& part : parts) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(part.data());
    good = good && EVP_MAC_update(context.get(), bytes, part.size()) == 1;
  }
  std::array<std::byte, 16> sum{};
  auto* out = reinterpret_cast<unsigned char*>(sum.data());
  std::size_t size = 0;
  good = good && EVP_MAC_final(context.get(), out, &size, sum.size()) == 1;
  if (!good || size != sum.size()) throw Error(ErrorCode::kInternal, "Poly1305 failed");
  return sum;
}

std::string Sha256Hex(std::string_view text) {
  Sha256 hash;
  hash.Update(text.data(), text.size());
  return hash.Finish();
}

std::string Sha256File(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  int error = fd < 0 ? errno : 0;
  Sha256 hash;
  std::vector<char> buffer(1 << 20);
  while (error == 0) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n == 0) break;
    if (n > 0)
      hash.Update(buffer.data(), static_cast<std::size_t>(n));
    else if (errno != EINTR)
      error = errno;
  }
  if (fd >= 0) ::close(fd);
  if (error != 0) {
    throw Error(ErrorCode::kEnvironment, path + ": cannot read: " + std::strerror(error));
  }
  return hash.Finish();
}

std::string ContentKey(std::string_view canonical_text) {
  return Sha256Hex(canonical_text).substr(0, 32);
}

}  // namespace cross4d::base
