// SPDX-License-Identifier: Apache-2.0
#include "core/train/adamw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace cross4d::train {
namespace {

TEST(AdamW, TwoStepsByHand) {
  // With constant gradient g the bias-corrected moments are g and g^2, so a step is lr * sign(g).
  std::vector<float> p = {1, -2}, m(2), v(2);
  const std::vector<float> g = {0.5f, -4};
  AdamWStep step{.lr = 0.1, .weight_decay = 0.5};
  AdamWUpdate(step, p, g, m, v);
  EXPECT_NEAR(p[0], 1 * 0.95 - 0.1, 1e-6);
  EXPECT_NEAR(p[1], -2 * 0.95 + 0.1, 1e-6);
  step.count = 2;
  AdamWUpdate(step, p, g, m, v);
  EXPECT_NEAR(p[0], 0.85 * 0.95 - 0.1, 1e-6);
  EXPECT_NEAR(p[1], -1.8 * 0.95 + 0.1, 1e-6);
  EXPECT_NEAR(m[0], 0.1 * 0.5 * 1.9, 1e-6);
}

TEST(AdamW, GradientScaleActsBeforeTheMoments) {
  std::vector<float> a = {1}, b = {1}, ma(1), mb(1), va(1), vb(1);
  AdamWStep step;
  AdamWUpdate(step, a, std::vector<float>{0.25f}, ma, va);
  step.gradient_scale = 0.25;
  AdamWUpdate(step, b, std::vector<float>{1}, mb, vb);
  EXPECT_EQ(ma, mb);
  EXPECT_EQ(va, vb);
  EXPECT_EQ(a, b);
}

TEST(SumOfSquares, AnyLength) {
  for (int n : {0, 1, 7, 8, 9, 1000}) {
    std::vector<float> x(static_cast<std::size_t>(n));
    double expected = 0;
    for (int i = 0; i < n; ++i) {
      x[static_cast<std::size_t>(i)] = static_cast<float>(i) * 0.5f;
      expected += 0.25 * i * i;
    }
    EXPECT_DOUBLE_EQ(SumOfSquares(x), expected) << n;
  }
}

}  // namespace
}  // namespace cross4d::train
