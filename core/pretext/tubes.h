// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/student.h>

#include <torch/types.h>

#include <cstdint>

namespace cross4d::pretext {

struct TubeShape {
  std::int64_t neighbours = 32;  ///< K
  /// 0: the K nearest points. Else the first K points in index order within this part of the clip's
  /// radius, padded with the first one; none: point 0, as PointNet++'s kernels have it.
  double radius = 0;
};

/// The input points around some tokens in the frames before, at and after theirs; beyond the clip's
/// ends the end frame again.
struct PointTubes {
  torch::Tensor anchors;  ///< [B, M, 3], the tokens' centres
  torch::Tensor points;   ///< [B, M, 3, K, 3], both in the clip's unit sphere
  torch::Tensor counts;   ///< [B, M, 3] int64: how many of the K are different points, they lead
};

/// `tokens` [B, M] int64 are indices into the input's tokens. No gradient.
PointTubes TubesOf(const StudentInput& input, const torch::Tensor& tokens, const TubeShape& shape);

}  // namespace cross4d::pretext
