// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

namespace cross4d::p4transformer {

/// The point 4D convolution without input features: [G, J, 4] displacements (x, y, z, t) of each
/// group's J neighbours from its anchor, weight [C, 4] -> [G, C], the greatest over the neighbours
/// of weight * displacement. Nothing but that maximum comes after the products, so none of them is
/// kept: the [G, J, C] tensor of the plain composition never exists. float32 or float64 on the
/// CPU; differentiable in both. Each result is computed by one thread: deterministic.
torch::Tensor TubeConvolution(const torch::Tensor& displacements, const torch::Tensor& weight);

/// The same as a composition of standard operations, for other devices and for tests.
torch::Tensor TubeConvolutionPlain(const torch::Tensor& displacements, const torch::Tensor& weight);

}  // namespace cross4d::p4transformer
