// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <functional>

namespace cross4d::eval {

/// Value at `x`; writes the gradient.
using SmoothFunction = std::function<double(const torch::Tensor& x, torch::Tensor* gradient)>;

/// Minimises a smooth convex function of a float64 vector from `x` (in place): L-BFGS with ten
/// pairs and backtracking. Ends when the largest gradient entry is below `tolerance`, when no step
/// helps any more, or after `iterations`. Returns the number of iterations.
int MinimizeLbfgs(const SmoothFunction& function,
                  torch::Tensor* x,
                  int iterations,
                  double tolerance);

}  // namespace cross4d::eval
