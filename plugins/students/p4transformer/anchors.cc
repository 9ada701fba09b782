// SPDX-License-Identifier: Apache-2.0
#include "anchors.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace cross4d::p4transformer {
namespace {

constexpr float kFar = 1e10f;     // where running distances start
constexpr float kOrigin = 1e-3f;  // squared radius in which points are skipped
constexpr std::uint32_t kThreads = 512;

/// The order in which the reduction prefers equal distances: threads by their bits in reverse, as
/// the last round compares even with odd ones; within a thread, the lower index.
std::uint64_t TieOrder(std::uint32_t index, std::uint32_t threads) {
  std::uint32_t reversed = 0;
  for (std::uint32_t bit = 1, t = index % threads; bit < threads; bit <<= 1, t >>= 1)
    reversed = reversed << 1 | (t & 1);
  return static_cast<std::uint64_t>(reversed) << 32 | index;
}

class Picker {
 public:
  Picker(std::span<const float> points, bool skip_near_origin)
      : x_(points.size() / 3), y_(x_.size()), z_(x_.size()), distance_(x_.size(), kFar) {
    for (std::size_t i = 0; i < x_.size(); ++i) {
      x_[i] = points[3 * i], y_[i] = points[3 * i + 1], z_[i] = points[3 * i + 2];
      const float square = (x_[i] * x_[i] + y_[i] * y_[i]) + z_[i] * z_[i];
      // Below every true distance, and it stays there.
      if (skip_near_origin && square <= kOrigin) distance_[i] = -1;
    }
  }

  std::int32_t Next(std::int32_t pick) {
    const auto n = static_cast<std::int64_t>(x_.size());
    const float px = x_[pick], py = y_[pick], pz = z_[pick];
    float* __restrict distance = distance_.data();
    for (std::int64_t i = 0; i < n; ++i) {
      const float dx = x_[i] - px, dy = y_[i] - py, dz = z_[i] - pz;
      const float d = (dx * dx + dy * dy) + dz * dz;
      distance[i] = d < distance[i] ? d : distance[i];
    }
    const float greatest = *std::max_element(distance_.begin(), distance_.end());
    return greatest < 0 ? 0 : FirstOf(greatest);
  }

 private:
  std::int32_t FirstOf(float greatest) const {
    const auto n = static_cast<std::uint32_t>(x_.size());
    const std::uint32_t threads = std::min(std::bit_floor(n), kThreads);
    std::uint64_t best = ~std::uint64_t{0};
    for (std::uint32_t i = 0; i < n; ++i) {
      if (distance_[i] == greatest) best = std::min(best, TieOrder(i, threads));
    }
    return static_cast<std::int32_t>(best & 0xffffffffu);
  }

  std::vector<float> x_, y_, z_, distance_;
};

}  // namespace

void PickAnchors(std::span<const float> points,
                 bool skip_near_origin,
                 std::span<std::int32_t> picked) {
  if (picked.empty()) return;
  Picker picker(points, skip_near_origin);
  picked[0] = 0;
  for (std::size_t i = 1; i < picked.size(); ++i) picked[i] = picker.Next(picked[i - 1]);
}

}  // namespace cross4d::p4transformer
