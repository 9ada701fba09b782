// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/student.h>

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace cross4d::point4d {

/// Centroids and neighbours of both set abstractions, frame by frame, from the points alone.
///
/// `extra` of the result, int16 while N < 32,768 and int32 beyond, all indices within their frame:
///   picks1 [T, m1] points, neighbours1 [T, m1, k1] points,
///   picks2 [T, m2] of the m1 centroids, neighbours2 [T, m2, k2] of the m1 centroids.
/// Centroids come from farthest point sampling, neighbours are the k nearest. Fewer points than
/// centroids or neighbours: indices repeat. `nearest` is the centroid's own point.
/// Errors: Error(kInput) for a wrong shape or type, an empty clip, a coordinate that is not finite.
TokenGeometry TokenizeClip(const torch::Tensor& points,
                           const std::vector<std::int64_t>& centroids,
                           const std::vector<std::int64_t>& k);

}  // namespace cross4d::point4d
