// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace cross4d::train {

struct AdamWStep {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double weight_decay = 0;    ///< decoupled
  double gradient_scale = 1;  ///< from gradient clipping
  std::int64_t count = 1;     ///< 1 at the first step: for the bias correction
};

/// One AdamW step (Loshchilov and Hutter) over a flat range, in place. Same length for all; one
/// thread, one pass, no allocation.
void AdamWUpdate(const AdamWStep& step,
                 std::span<float> parameters,
                 std::span<const float> gradients,
                 std::span<float> first_moment,
                 std::span<float> second_moment);

/// Sum of squares in double, in a fixed order.
double SumOfSquares(std::span<const float> values);

}  // namespace cross4d::train
