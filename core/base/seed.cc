// SPDX-License-Identifier: Apache-2.0
#include "core/base/seed.h"

namespace cross4d::base {
namespace {

std::uint64_t Mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15u;

}  // namespace

std::uint64_t DeriveSeed(std::uint64_t seed, std::string_view purpose, std::uint64_t index) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a of the purpose
  for (const char c : purpose) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  // Mixed one after the other, so that (seed, index) pairs with one sum do not meet.
  std::uint64_t state = Mix(seed + kGolden);
  state = Mix((state ^ hash) + kGolden);
  return Mix((state ^ index) + kGolden);
}

std::uint64_t SplitMix64::Next() { return Mix(state_ += kGolden); }

std::uint64_t SplitMix64::Below(std::uint64_t n) {
  const std::uint64_t reject = (0 - n) % n;  // 2^64 mod n: the values that would make a bias
  for (;;) {
    const std::uint64_t x = Next();
    if (x >= reject) return x % n;
  }
}

double SplitMix64::Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

}  // namespace cross4d::base
