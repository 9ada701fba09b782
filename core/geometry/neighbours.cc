// SPDX-License-Identifier: Apache-2.0
#include "core/geometry/neighbours.h"

#include "core/geometry/cloud.h"
#include "core/geometry/kernels.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace cross4d::geometry {
namespace {

struct Sizes {
  std::int64_t n = 0, q = 0, k = 0;
};

Sizes CheckSizes(std::span<const float> points,
                 std::span<const float> queries,
                 std::size_t results,
                 const std::string& what) {
  Sizes s;
  s.n = CloudSize(points, what + ": cloud");
  s.q = CloudSize(queries, what + ": queries");
  if (results == 0 || results % s.q != 0) {
    FailInput(what + ": " + std::to_string(results) + " results do not split over " +
              std::to_string(s.q) + " queries");
  }
  s.k = static_cast<std::int64_t>(results) / s.q;
  RequireFinite(points, what + ": cloud");
  RequireFinite(queries, what + ": queries");
  return s;
}

/// Finds the nearest points of one query after another, with buffers kept between them.
///
/// The k-th smallest of the minima of many small groups bounds the k-th smallest distance, since k
/// groups hold a point at least that near. Only groups below the bound are looked at closely.
class NearestSearch {
 public:
  explicit NearestSearch(std::span<const float> points)
      : cloud_(points, kBlock), distance_(cloud_.padded), least_(cloud_.padded / kRows) {}

  /// The smallest (distance, index) keys, ascending, at most `k`; valid until the next call.
  std::span<const std::uint64_t> Find(const float* query, std::int64_t k) {
    for (std::int64_t at = 0; at < cloud_.padded; at += kBlock) MeasureBlock(at, query);
    Collect(Bound(k));
    const std::int64_t count = std::min<std::int64_t>(k, static_cast<std::int64_t>(keys_.size()));
    if (count < static_cast<std::int64_t>(keys_.size())) {
      std::nth_element(keys_.begin(), keys_.begin() + count - 1, keys_.end());
    }
    std::sort(keys_.begin(), keys_.begin() + count);
    return {keys_.data(), static_cast<std::size_t>(count)};
  }

 private:
  // A block is kRows rows of kLanes points; a group is one lane of a block.
  static constexpr std::int64_t kLanes = 8, kRows = 16, kBlock = kLanes * kRows;

  void MeasureBlock(std::int64_t at, const float* query) {
    const float* __restrict x = &cloud_.x[at];
    const float* __restrict y = &cloud_.y[at];
    const float* __restrict z = &cloud_.z[at];
    float* __restrict distance = &distance_[at];
    const float qx = query[0], qy = query[1], qz = query[2];
    for (std::int64_t i = 0; i < kBlock; ++i) {
      distance[i] = kernels::SquaredDistance(x[i], y[i], z[i], qx, qy, qz);
    }
    std::int32_t least[kLanes];
    for (std::int64_t j = 0; j < kLanes; ++j) least[j] = std::bit_cast<std::int32_t>(distance[j]);
    for (std::int64_t i = kLanes; i < kBlock; i += kLanes) {
      for (std::int64_t j = 0; j < kLanes; ++j) {
        least[j] = std::min(least[j], std::bit_cast<std::int32_t>(distance[i + j]));
      }
    }
    std::copy_n(least, kLanes, &least_[at / kRows]);
  }

  /// Float bits that the k-th smallest distance does not exceed.
  std::int32_t Bound(std::int64_t k) {
    if (static_cast<std::int64_t>(least_.size()) < k)
      return std::numeric_limits<std::int32_t>::max();
    order_ = least_;
    std::nth_element(order_.begin(), order_.begin() + k - 1, order_.end());
    return order_[k - 1];
  }

  void Collect(std::int32_t bound) {
    keys_.clear();
    for (std::int64_t group = 0; group < static_cast<std::int64_t>(least_.size()); ++group) {
      if (least_[group] > bound) continue;
      const std::int64_t first = group / kLanes * kBlock + group % kLanes;
      for (std::int64_t i = first; i < first + kBlock; i += kLanes) {
        if (std::bit_cast<std::int32_t>(distance_[i]) <= bound && i < cloud_.size) {
          keys_.push_back(kernels::OrderKey(distance_[i], static_cast<std::uint32_t>(i)));
        }
      }
    }
  }

  CloudArrays cloud_;
  std::vector<float> distance_;
  std::vector<std::int32_t> least_, order_;
  std::vector<std::uint64_t> keys_;
};

}  // namespace

void NearestNeighbours(std::span<const float> points,
                       std::span<const float> queries,
                       std::span<std::int32_t> neighbours) {
  const Sizes s = CheckSizes(points, queries, neighbours.size(), "nearest neighbours");
  NearestSearch search(points);
  for (std::int64_t q = 0; q < s.q; ++q) {
    const auto keys = search.Find(&queries[3 * q], s.k);
    for (std::int64_t j = 0; j < s.k; ++j) {
      neighbours[q * s.k + j] = kernels::KeyIndex(keys[j % keys.size()]);
    }
  }
}

void BallQuery(std::span<const float> points,
               std::span<const float> queries,
               float radius,
               std::span<std::int32_t> neighbours,
               std::span<std::int32_t> hits) {
  const Sizes s = CheckSizes(points, queries, neighbours.size(), "ball query");
  if (!(radius > 0) || !std::isfinite(radius)) {
    FailInput("ball query: radius is " + std::to_string(radius) + ", expected a number above 0");
  }
  if (!hits.empty() && static_cast<std::int64_t>(hits.size()) != s.q) {
    FailInput("ball query: room for " + std::to_string(hits.size()) + " hit counts, expected " +
              std::to_string(s.q));
  }
  for (std::int64_t q = 0; q < s.q; ++q) {
    const std::int32_t found = kernels::BallRow(points.data(),
                                                static_cast<std::int32_t>(s.n),
                                                &queries[3 * q],
                                                radius,
                                                static_cast<std::int32_t>(s.k),
                                                &neighbours[q * s.k]);
    if (!hits.empty()) hits[q] = found;
  }
}

void ThreeNearest(std::span<const float> points,
                  std::span<const float> queries,
                  std::span<std::int32_t> neighbours,
                  std::span<float> weights) {
  const Sizes s = CheckSizes(points, queries, neighbours.size(), "three nearest");
  if (s.k != 3 || weights.size() != neighbours.size()) {
    FailInput("three nearest: results must be [" + std::to_string(s.q) + ", 3]");
  }
  NearestSearch search(points);
  for (std::int64_t q = 0; q < s.q; ++q) {
    const auto keys = search.Find(&queries[3 * q], 3);
    float weight[3], sum = 0;
    for (int j = 0; j < 3; ++j) {
      const std::uint64_t key = keys[j % keys.size()];
      neighbours[3 * q + j] = kernels::KeyIndex(key);
      weight[j] = 1.0f / (std::sqrt(kernels::KeyValue(key)) + 1e-8f);
      sum += weight[j];
    }
    for (int j = 0; j < 3; ++j) weights[3 * q + j] = weight[j] / sum;
  }
}

void Interpolate(std::span<const float> features,
                 std::int64_t channels,
                 std::span<const std::int32_t> neighbours,
                 std::span<const float> weights,
                 std::span<float> out) {
  const auto queries = static_cast<std::int64_t>(neighbours.size() / 3);
  if (channels <= 0 || features.size() % channels != 0 || weights.size() != neighbours.size() ||
      static_cast<std::int64_t>(out.size()) != queries * channels) {
    FailInput("interpolate: sizes do not fit: " + std::to_string(features.size()) +
              " features of " + std::to_string(channels) + " channels, " +
              std::to_string(neighbours.size()) + " neighbours, " + std::to_string(out.size()) +
              " results");
  }
  const auto rows = static_cast<std::int64_t>(features.size()) / channels;
  for (const std::int32_t i : neighbours) {
    if (i < 0 || i >= rows) {
      FailInput("interpolate: neighbour " + std::to_string(i) + ", expected 0 to " +
                std::to_string(rows - 1));
    }
  }
  for (std::int64_t q = 0; q < queries; ++q) {
    const float* a = &features[neighbours[3 * q] * channels];
    const float* b = &features[neighbours[3 * q + 1] * channels];
    const float* c = &features[neighbours[3 * q + 2] * channels];
    const float* w = &weights[3 * q];
    for (std::int64_t j = 0; j < channels; ++j) {
      out[q * channels + j] = (w[0] * a[j] + w[1] * b[j]) + w[2] * c[j];
    }
  }
}

}  // namespace cross4d::geometry
