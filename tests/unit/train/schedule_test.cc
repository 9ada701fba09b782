// SPDX-License-Identifier: Apache-2.0
#include "core/train/schedule.h"

#include <gtest/gtest.h>

namespace cross4d::train {
namespace {

TEST(Schedule, WarmsUpLinearlyThenFollowsACosine) {
  protocol::PretrainOptions o;
  o.lr = 1;
  o.min_lr = 0.1;
  o.warmup = 0.2;  // 4 of 21 steps
  EXPECT_DOUBLE_EQ(LearningRate(0, 21, o), 0.25);
  EXPECT_DOUBLE_EQ(LearningRate(1, 21, o), 0.5);
  EXPECT_DOUBLE_EQ(LearningRate(3, 21, o), 1);
  EXPECT_DOUBLE_EQ(LearningRate(4, 21, o), 1);
  EXPECT_NEAR(LearningRate(12, 21, o), 0.55, 1e-12) << "half way down";
  EXPECT_NEAR(LearningRate(20, 21, o), 0.1, 1e-12) << "the last step";
}

TEST(Schedule, ExtremesStayDefined) {
  protocol::PretrainOptions o;
  o.warmup = 0;
  EXPECT_DOUBLE_EQ(LearningRate(0, 1, o), o.lr);
  o.warmup = 1;
  EXPECT_DOUBLE_EQ(LearningRate(9, 10, o), o.lr);
}

}  // namespace
}  // namespace cross4d::train
