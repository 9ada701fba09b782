// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace cross4d::base {

/// An independent 64-bit stream seed for a named purpose: DeriveSeed(run_seed, "batch-order",
/// epoch). Stable across platforms and versions (golden test).
std::uint64_t DeriveSeed(std::uint64_t seed, std::string_view purpose, std::uint64_t index = 0);

/// SplitMix64: small, fast, and the same everywhere. For shuffles and sampling.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next();
  /// Uniform in [0, n), without modulo bias; n > 0.
  std::uint64_t Below(std::uint64_t n);
  /// Uniform in [0, 1).
  double Uniform();

 private:
  std::uint64_t state_;
};

}  // namespace cross4d::base
