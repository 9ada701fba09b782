// SPDX-License-Identifier: Apache-2.0
#include "core/train/adamw.h"

#include <array>
#include <cmath>

namespace cross4d::train {

void AdamWUpdate(const AdamWStep& step,
                 std::span<float> parameters,
                 std::span<const float> gradients,
                 std::span<float> first_moment,
                 std::span<float> second_moment) {
  const auto beta1 = static_cast<float>(step.beta1), beta2 = static_cast<float>(step.beta2);
  const auto rest1 = static_cast<float>(1 - step.beta1), rest2 = static_cast<float>(1 - step.beta2);
  const auto count = static_cast<double>(step.count);
  const auto rate = static_cast<float>(step.lr / (1 - std::pow(step.beta1, count)));
  const auto scale2 = static_cast<float>(1 / std::sqrt(1 - std::pow(step.beta2, count)));
  const auto keep = static_cast<float>(1 - step.lr * step.weight_decay);
  const auto scale = static_cast<float>(step.gradient_scale);
  const auto eps = static_cast<float>(step.eps);
  float* __restrict p = parameters.data();
  const float* __restrict g = gradients.data();
  float* __restrict m = first_moment.data();
  float* __restrict v = second_moment.data();
  for (std::size_t i = 0, n = parameters.size(); i < n; ++i) {
    const float gradient = g[i] * scale;
    m[i] = beta1 * m[i] + rest1 * gradient;
    v[i] = beta2 * v[i] + rest2 * gradient * gradient;
    p[i] = p[i] * keep - rate * m[i] / (std::sqrt(v[i]) * scale2 + eps);
  }
}

double SumOfSquares(std::span<const float> values) {
  // Eight sums in a fixed order: the compiler can use vector registers without reordering.
  std::array<double, 8> sums{};
  std::size_t i = 0;
  for (; i + 8 <= values.size(); i += 8) {
    for (std::size_t k = 0; k < 8; ++k) {
      const double x = values[i + k];
      sums[k] += x * x;
    }
  }
  for (; i < values.size(); ++i) sums[0] += static_cast<double>(values[i]) * values[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

}  // namespace cross4d::train
