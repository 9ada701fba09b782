// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

namespace cross4d::train {

/// VICReg's variance hinge (paper, Eq. 6) on predictions [M, d]: mean over coordinates of
/// max(0, 1 - sqrt(variance + 1e-4)). Scalar with gradient; 0 for fewer than two rows.
torch::Tensor VarianceHinge(const torch::Tensor& predictions);

/// Signs of collapse, of predictions [M, d].
struct Spread {
  double feature_std = 0;     ///< mean over coordinates of the standard deviation
  double effective_rank = 0;  ///< exp(entropy of the covariance's normalised eigenvalues), 0 to d
};
Spread MeasureSpread(const torch::Tensor& predictions);

}  // namespace cross4d::train
