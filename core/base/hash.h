// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::base {

/// Streaming SHA-256 (libcrypto).
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void Update(const void* data, std::size_t size);
  /// 64 lower-case hex digits; once.
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string Sha256Hex(std::string_view text);
/// Of a file's bytes; throws Error(kEnvironment) that names the path.
std::string Sha256File(const std::string& path);

/// Poly1305 (libcrypto) of the parts one after the other under a key of 32 bytes: several times as
/// fast as SHA-256, to find damage.
std::array<std::byte, 16> Poly1305(std::string_view key,
                                   const std::vector<std::span<const std::byte>>& parts);

/// Content keys: the first 32 hex digits of the SHA-256 of a canonical text.
std::string ContentKey(std::string_view canonical_text);

}  // namespace cross4d::base
