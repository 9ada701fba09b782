// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace cross4d::geometry {

/// In all functions below: `points` [N, 3] and `queries` [Q, 3] are row-major float32; distances
/// are
/// ((dx*dx + dy*dy) + dz*dz) in float32; results are row-major [Q, K] with K = size / Q. Brute
/// force over structure-of-arrays blocks: for clouds of a few thousand points it beats a tree.
/// Errors: Error(kInput) for an empty cloud, sizes that do not fit, or a coordinate that is not
/// finite. Threads: safe.

/// The K nearest points of each query, ordered by (distance, index). N < K: the row's first N
/// entries are repeated in order.
void NearestNeighbours(std::span<const float> points,
                       std::span<const float> queries,
                       std::span<std::int32_t> neighbours);

/// The first K points in index order with distance < radius (strict). Fewer: padded with the first
/// hit; none: the row is all 0 and `hits` is 0. `hits` [Q] receives the number of true hits (at
/// most K) and may be empty.
void BallQuery(std::span<const float> points,
               std::span<const float> queries,
               float radius,
               std::span<std::int32_t> neighbours,
               std::span<std::int32_t> hits = {});

/// Inverse-distance weights of the 3 nearest points: w_i = (1 / (d_i^2 + 1e-8)) normalised to sum
/// 1, `neighbours` and `weights` [Q, 3]. N < 3: neighbours repeat, so the weights stay a partition
/// of 1.
void ThreeNearest(std::span<const float> points,
                  std::span<const float> queries,
                  std::span<std::int32_t> neighbours,
                  std::span<float> weights);

/// features [N, C] at the points -> out [Q, C] at the queries, with the result of ThreeNearest.
void Interpolate(std::span<const float> features,
                 std::int64_t channels,
                 std::span<const std::int32_t> neighbours,
                 std::span<const float> weights,
                 std::span<float> out);

}  // namespace cross4d::geometry
