// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

namespace cross4d::pretext {

/// Chamfer distance of predicted [G, n, 3] and target [G, m, 3] point sets, float32: mean over the
/// predicted points of the squared distance to the nearest target point, plus the same the other
/// way round. Which point is nearest counts as constant, as it is almost everywhere.
torch::Tensor Chamfer(const torch::Tensor& predicted, const torch::Tensor& target);

/// x / |x| over the last dimension.
torch::Tensor Unit(const torch::Tensor& x);

/// Signs of collapse, without gradient. Mean over coordinates of the standard deviation of
/// x [..., C] over its rows; 0 for one row.
double MeanStd(const torch::Tensor& x);
/// Mean cosine of the rows of two tensors [..., C].
double MeanCosine(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace cross4d::pretext
