// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

/// Random numbers for plugins: integer and IEEE basic arithmetic only, so that the same seed gives
/// the same bits on every platform, compiler and standard library. Free of LibTorch.
namespace cross4d {
inline namespace v1 {

/// SplitMix64's output function: a bijection that scatters every bit.
constexpr std::uint64_t ScatterBits(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// One seed from several numbers; the order matters: MixSeed({sample_seed, clip, frame}).
constexpr std::uint64_t MixSeed(std::initializer_list<std::uint64_t> parts) {
  std::uint64_t seed = 0x243f6a8885a308d3ULL;
  for (const std::uint64_t part : parts) {
    seed = ScatterBits((seed ^ part) + 0x9e3779b97f4a7c15ULL);
  }
  return seed;
}

/// A number for a text (64-bit FNV-1a), for MixSeed: file or clip names.
constexpr std::uint64_t HashText(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return hash;
}

/// A SplitMix64 stream. Not thread-safe; make one per clip, frame or point from MixSeed.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() { return ScatterBits(state_ += 0x9e3779b97f4a7c15ULL); }
  /// Uniform in [0, n) without bias; n > 0.
  std::uint64_t Below(std::uint64_t n) {
    __extension__ using Wide = unsigned __int128;
    Wide product = static_cast<Wide>(Next()) * n;
    if (static_cast<std::uint64_t>(product) < n) {
      const std::uint64_t limit = (0 - n) % n;
      while (static_cast<std::uint64_t>(product) < limit) {
        product = static_cast<Wide>(Next()) * n;
      }
    }
    return static_cast<std::uint64_t>(product >> 64);
  }
  /// Uniform in [0, 1), 53 bits.
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  double Uniform(double low, double high) { return low + (high - low) * Uniform(); }
  /// Mean 0, variance 1: the sum of 12 uniform numbers (no logarithm, no cosine), so at most 6 in
  /// size.
  double Normal() {
    std::uint64_t sum = 0;
    for (int i = 0; i < 4; ++i) {
      const std::uint64_t bits = Next();
      sum += (bits & 0x1fffff) + ((bits >> 21) & 0x1fffff) + (bits >> 43);
    }
    return (static_cast<double>(sum) + 6.0) * 0x1p-21 - 6.0;
  }

 private:
  std::uint64_t state_;
};

}  // namespace v1
}  // namespace cross4d
