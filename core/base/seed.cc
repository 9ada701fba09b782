// SPDX-License-Identifier: Apache-2.0
#include "core/base/seed.h"

#include <cross4d/sdk/random.h>

namespace cross4d::base {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15u;

}  // namespace

std::uint64_t DeriveSeed(std::uint64_t seed, std::string_view purpose, std::uint64_t index) {
  // Mixed one after the other, so that (seed, index) pairs with one sum do not meet.
  std::uint64_t state = ScatterBits(seed + kGolden);
  state = ScatterBits((state ^ HashText(purpose)) + kGolden);
  return ScatterBits((state ^ index) + kGolden);
}

std::uint64_t SplitMix64::Next() { return ScatterBits(state_ += kGolden); }

std::uint64_t SplitMix64::Below(std::uint64_t n) {
  const std::uint64_t reject = (0 - n) % n;  // 2^64 mod n: the values that would make a bias
  for (;;) {
    const std::uint64_t x = Next();
    if (x >= reject) return x % n;
  }
}

double SplitMix64::Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

}  // namespace cross4d::base
