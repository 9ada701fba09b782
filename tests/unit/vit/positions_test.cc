// SPDX-License-Identifier: Apache-2.0
#include "core/vit/positions.h"

#include <gtest/gtest.h>

#include <cmath>

namespace cross4d::vit {
namespace {

at::Tensor Random(at::IntArrayRef shape) {
  return at::randn(shape, at::detail::createCPUGenerator(3));
}

double Worst(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(Positions, NativeGridUsesTheTableAsItIs) {
  const at::Tensor table = Random({25, 8});
  EXPECT_TRUE(at::equal(ResizeLearned(table, 5, 5, 5, true), table));
}

TEST(Positions, ResizingKeepsConstantsAndSymmetry) {
  const at::Tensor constant = at::full({25, 3}, 2.5);
  for (const bool antialias : {false, true}) {
    EXPECT_LT(Worst(ResizeLearned(constant, 5, 3, 7, antialias), at::full({21, 3}, 2.5)), 2.5e-6);
    const at::Tensor table = Random({25, 3});
    const at::Tensor turned = table.view({5, 5, 3}).flip({0, 1}).reshape({25, 3});
    EXPECT_LT(Worst(ResizeLearned(table, 5, 4, 4, antialias).flip({0}),
                    ResizeLearned(turned, 5, 4, 4, antialias)),
              1e-5);
  }
}

TEST(Positions, SineTableIsExactForLargeIndices) {
  const at::Tensor table = SineTable(1568, 768);
  for (const int n : {0, 1, 777, 1567}) {
    for (const int k : {0, 1, 2, 501, 767}) {
      const double angle = n / std::pow(10000.0, 2.0 * (k / 2) / 768.0);
      const auto expected = static_cast<float>(k % 2 == 0 ? std::sin(angle) : std::cos(angle));
      EXPECT_NEAR(table[n][k].item<float>(), expected, 1e-7) << n << " " << k;
    }
  }
}

// A rotation keeps lengths, and products of rotated pairs depend on the distance of their positions
// only.
TEST(Positions, AxialRotaryRotates) {
  const Grid grid{1, 3, 5};
  const Rotary rotary = AxialRotary(grid, 2, 16, 100.0);
  ASSERT_EQ(rotary.cos.sizes(), at::IntArrayRef({17, 16}));
  const at::Tensor v = Random({2, 3, 17, 16});
  const at::Tensor turned = rotary.Apply(v);
  EXPECT_LT(Worst(turned.norm(2, -1), v.norm(2, -1)), 1e-5);
  EXPECT_TRUE(at::equal(turned.narrow(2, 0, 2), v.narrow(2, 0, 2))) << "prefix tokens stay";
  const at::Tensor q = Random({1, 1, 1, 16}).expand({1, 1, 17, 16});
  const at::Tensor r = rotary.Apply(q)[0][0];
  const auto product = [&](int a, int b) { return at::dot(r[2 + a], r[2 + b]).item<double>(); };
  EXPECT_NEAR(product(0, 1), product(1, 2), 1e-4) << "one column apart";
  EXPECT_NEAR(product(0, 5), product(7, 12), 1e-4) << "one row apart";
}

TEST(Positions, SpaceTimeRotaryLeavesTheRest) {
  // d = 16: segments of 4, so channels 12 to 15 stay; the first token has angle 0.
  const Rotary rotary = SpaceTimeRotary(12, 2, 3, 16);
  const at::Tensor v = Random({1, 1, 12, 16});
  const at::Tensor turned = rotary.Apply(v);
  EXPECT_TRUE(at::equal(turned.narrow(-1, 12, 4), v.narrow(-1, 12, 4)));
  EXPECT_TRUE(at::equal(turned.select(2, 0), v.select(2, 0)));
  // Token 1 differs in its column only, token 3 in its row only, token 6 in its frame only.
  for (const auto& [token, first] : {std::pair(1, 8), {3, 4}, {6, 0}}) {
    at::Tensor moved = (turned.select(2, token) - v.select(2, token)).abs().flatten() > 1e-6;
    EXPECT_TRUE(moved.narrow(0, first, 4).all().item<bool>()) << token;
    moved.narrow(0, first, 4).zero_();
    EXPECT_FALSE(moved.any().item<bool>()) << token;
  }
  // Angles are tiled (1, 0.01, 1, 0.01) over adjacent pairs.
  const at::Tensor x = v[0][0][1], y = turned[0][0][1];
  EXPECT_NEAR(y[8].item<double>(),
              x[8].item<double>() * std::cos(1.0) - x[9].item<double>() * std::sin(1.0),
              1e-6);
  EXPECT_NEAR(y[9].item<double>(),
              x[9].item<double>() * std::cos(0.01) + x[8].item<double>() * std::sin(0.01),
              1e-6);
}

TEST(Positions, RotaryComputesInFloat32) {
  const Rotary rotary = AxialRotary({1, 2, 2}, 0, 8, 100.0);
  const at::Tensor v = Random({1, 1, 4, 8}).to(at::kBFloat16);
  const at::Tensor turned = rotary.Apply(v);
  EXPECT_EQ(turned.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::equal(turned, rotary.Apply(v.to(at::kFloat)).to(at::kBFloat16)));
}

}  // namespace
}  // namespace cross4d::vit
