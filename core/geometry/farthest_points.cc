// SPDX-License-Identifier: Apache-2.0
#include "core/geometry/farthest_points.h"

#include "core/geometry/cloud.h"
#include "core/geometry/kernels.h"
#include "core/geometry/parallel.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <vector>

namespace cross4d::geometry {
namespace {

constexpr std::int64_t kBlock = 128;

/// Updates one block's distances with a new pick; returns their maximum as float bits. Distances
/// are not negative, so their bits order as they do, and integer maxima vectorise without relaxed
/// float rules.
std::int32_t UpdateBlock(const float* __restrict x,
                         const float* __restrict y,
                         const float* __restrict z,
                         float* __restrict distance,
                         float px,
                         float py,
                         float pz) {
  std::int32_t greatest = 0;
  for (std::int64_t i = 0; i < kBlock; ++i) {
    const float d = kernels::NearerDistance(distance[i],
                                            kernels::SquaredDistance(x[i], y[i], z[i], px, py, pz));
    distance[i] = d;
    greatest = std::max(greatest, std::bit_cast<std::int32_t>(d));
  }
  return greatest;
}

class Sampler {
 public:
  explicit Sampler(std::span<const float> points)
      : cloud_(points, kBlock),
        distance_(cloud_.padded, std::numeric_limits<float>::infinity()),
        greatest_(cloud_.padded / kBlock) {
    // The padding is covered from the start: it is never farther than a point.
    std::fill(distance_.begin() + cloud_.size, distance_.end(), 0.0f);
  }

  /// Takes `pick` into account and returns the next one.
  std::int32_t Next(std::int32_t pick) {
    const float px = cloud_.x[pick], py = cloud_.y[pick], pz = cloud_.z[pick];
    std::int32_t best = 0;
    std::size_t block = 0;
    for (std::size_t b = 0; b < greatest_.size(); ++b) {
      const std::size_t at = b * kBlock;
      greatest_[b] =
          UpdateBlock(&cloud_.x[at], &cloud_.y[at], &cloud_.z[at], &distance_[at], px, py, pz);
      if (greatest_[b] >= best) best = greatest_[b], block = b;
    }
    // When all points are covered the search ends in the padding: that is the last point.
    std::int64_t at = static_cast<std::int64_t>(block + 1) * kBlock - 1;
    while (std::bit_cast<std::int32_t>(distance_[at]) != best) --at;
    return static_cast<std::int32_t>(std::min(at, cloud_.size - 1));
  }

 private:
  CloudArrays cloud_;
  std::vector<float> distance_;
  std::vector<std::int32_t> greatest_;
};

void Sample(std::span<const float> points, std::span<std::int32_t> picked) {
  const auto n = static_cast<std::int64_t>(points.size() / 3);
  const auto m = static_cast<std::int64_t>(picked.size());
  if (m == 0) return;
  Sampler sampler(points);
  picked[0] = 0;
  for (std::int64_t i = 1; i < std::min(n, m); ++i) picked[i] = sampler.Next(picked[i - 1]);
  for (std::int64_t i = n; i < m; ++i) picked[i] = picked[i - n];
}

}  // namespace

void FarthestPoints(std::span<const float> points, std::span<std::int32_t> picked) {
  CloudSize(points, "farthest point sampling: cloud");
  RequireFinite(points, "farthest point sampling: cloud");
  Sample(points, picked);
}

void FarthestPointsOfClip(std::span<const float> points,
                          std::int64_t frames,
                          std::span<std::int32_t> picked,
                          int threads) {
  if (frames <= 0 || points.size() % frames != 0 || picked.size() % frames != 0) {
    FailInput("farthest point sampling: " + std::to_string(points.size()) + " numbers and " +
              std::to_string(picked.size()) + " picks do not split into " + std::to_string(frames) +
              " frames");
  }
  const std::size_t n = points.size() / frames, m = picked.size() / frames;
  ForEach(frames, threads, [&](std::int64_t t) {
    const auto frame = points.subspan(t * n, n);
    const std::string what = "farthest point sampling: frame " + std::to_string(t);
    CloudSize(frame, what);
    RequireFinite(frame, what);
    Sample(frame, picked.subspan(t * m, m));
  });
}

}  // namespace cross4d::geometry
