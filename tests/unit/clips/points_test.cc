// SPDX-License-Identifier: Apache-2.0
// Pixels to points, and normalisation.
#include "core/clips/depth_camera.h"
#include "core/clips/normalise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace cross4d::clips {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatEq;

TEST(DepthCamera, UnprojectsThePinholeWay) {
  const DepthCamera camera{280, 160, 120, 0.004f};
  float xyz[3];
  camera.Unproject(160, 120, 500, xyz);
  EXPECT_THAT(xyz, ElementsAre(FloatEq(0), FloatEq(0), FloatEq(2)));
  camera.Unproject(300, 50, 500, xyz);
  EXPECT_THAT(xyz, ElementsAre(FloatEq(1), FloatEq(-0.5), FloatEq(2)));
}

TEST(Normalise, DividesEveryCoordinate) {
  std::vector<float> xyz = {300, -150, 600};
  Divide(300, 1, xyz.data());
  EXPECT_THAT(xyz, ElementsAre(1, -0.5, 2));
}

TEST(Normalise, UnitSphereOfAnAxis) {
  std::vector<float> xyz = {1, 0, 0, 3, 0, 0, 5, 0, 0};
  FitUnitSphere(3, xyz.data());
  EXPECT_THAT(xyz, ElementsAre(-1, 0, 0, 0, 0, 0, 1, 0, 0));
  std::vector<float> same(9, 4.0f);
  FitUnitSphere(3, same.data());
  EXPECT_THAT(same, Each(0));
}

RC_GTEST_PROP(NormaliseProperty, UnitSphereIsCentredAndReached, ()) {
  const auto n = *rc::gen::inRange<std::int64_t>(2, 100);
  std::vector<float> xyz;
  for (std::int64_t i = 0; i < 3 * n; ++i) {
    xyz.push_back(static_cast<float>(*rc::gen::inRange(-4000, 4000)));
  }
  RC_PRE(std::vector<float>(xyz.begin(), xyz.begin() + 3) !=
         std::vector<float>(xyz.begin() + 3, xyz.begin() + 6));
  FitUnitSphere(n, xyz.data());
  double sum[3] = {0, 0, 0}, largest = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    double squared = 0;
    for (int k = 0; k < 3; ++k) {
      const double v = xyz[static_cast<std::size_t>(3 * i + k)];
      sum[k] += v;
      squared += v * v;
    }
    largest = std::max(largest, squared);
  }
  for (const double s : sum) RC_ASSERT(std::abs(s) / static_cast<double>(n) < 1e-5);
  RC_ASSERT(std::abs(largest - 1) < 1e-5);
}

}  // namespace
}  // namespace cross4d::clips
