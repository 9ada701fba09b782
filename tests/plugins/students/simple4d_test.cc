// SPDX-License-Identifier: Apache-2.0
// The student's grid against a plain loop, its sizes, and awkward clips.
#include "plugins/students/simple4d/simple4d.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "plugins/students/simple4d/voxels.h"

namespace cross4d::simple4d {
namespace {

using torch::Tensor;

Options Small() {
  Options o;
  o.widths = {8, 16, 16};
  o.dim = 24;
  o.heads = 3;
  o.ffn = 32;
  return o;
}

StudentInput Batch(const Student& student, const std::vector<Tensor>& clips) {
  std::vector<Tensor> centres, frames;
  for (const Tensor& clip : clips) {
    const TokenGeometry g = student.Tokenize(clip);
    centres.push_back(g.centres);
    frames.push_back(g.frames);
  }
  return {at::stack(clips), at::stack(centres), at::stack(frames), {}};
}

TEST(Simple4d, HasAboutAMillionParameters) {
  std::int64_t count = 0;
  for (const Tensor& p : Simple4d(Options(), {}).parameters()) count += p.numel();
  EXPECT_EQ(count, 1115936);
}

TEST(Simple4d, TheTableIsSound) {
  EXPECT_THAT(CheckSchema(DescribeOptions().schema()), testing::IsEmpty());
  Options bad = Small();
  bad.grid = 12;
  EXPECT_THROW(Simple4d(bad, {}), Error);
  bad = Small();
  bad.widths = {8, 16};
  EXPECT_THROW(Simple4d(bad, {}), Error);
  bad.widths = {8, 16, 20};
  EXPECT_THROW(Simple4d(bad, {}), Error);
}

TEST(Voxels, EqualAPlainLoop) {
  torch::manual_seed(1);
  const std::int64_t b = 2, t = 3, n = 40, grid = 4;
  const Tensor points = torch::randn({b, t, n, 3}) * 3 + 5;
  const Tensor got = Voxels(points, grid);
  ASSERT_EQ(got.sizes(), (at::IntArrayRef{b * t, 4, grid, grid, grid}));
  const auto p = points.accessor<float, 4>();
  for (std::int64_t i = 0; i < b; ++i) {
    double low[3], high[3], side = 0;
    for (int a = 0; a < 3; ++a) {
      low[a] = points[i].select(2, a).min().item<double>();
      high[a] = points[i].select(2, a).max().item<double>();
      side = std::max(side, high[a] - low[a]);
    }
    for (std::int64_t f = 0; f < t; ++f) {
      Tensor sums = torch::zeros({4, grid, grid, grid}, at::kDouble);
      for (std::int64_t k = 0; k < n; ++k) {
        int cell[3];
        double offset[3];
        for (int a = 0; a < 3; ++a) {
          const double begin = (low[a] + high[a] - side) / 2;
          const double place = (p[i][f][k][a] - begin) / side * static_cast<double>(grid);
          cell[a] = std::clamp(static_cast<int>(std::floor(place)), 0, static_cast<int>(grid) - 1);
          offset[a] = place - cell[a] - 0.5;
        }
        const Tensor at = sums.select(3, cell[0]).select(2, cell[1]).select(1, cell[2]);
        at[0] += 1;
        for (int a = 0; a < 3; ++a) at[a + 1] += offset[a];
      }
      const Tensor want = sums / sums[0].clamp_min(1);
      EXPECT_LT((got[i * t + f] - want).abs().max().item<double>(), 1e-4);
    }
  }
}

TEST(Simple4d, TokensAreTheEighthsOfTheCube) {
  const Tensor clip =
      torch::tensor({0.f, 0.f, 0.f, 4.f, 2.f, 2.f}).view({1, 2, 3}).repeat({2, 1, 1});
  const TokenGeometry g = Simple4d(Small(), {}).Tokenize(clip);
  ASSERT_EQ(g.centres.size(0), 16);
  // The cube is [0, 4] x [-1, 3] x [-1, 3].
  EXPECT_TRUE(at::allclose(g.centres[0], torch::tensor({1.f, 0.f, 0.f})));
  EXPECT_TRUE(at::allclose(g.centres[1], torch::tensor({3.f, 0.f, 0.f})));
  EXPECT_TRUE(at::allclose(g.centres[7], torch::tensor({3.f, 2.f, 2.f})));
  EXPECT_EQ(g.nearest[0].item<int>(), 0);
  EXPECT_EQ(g.nearest[7].item<int>(), 1);
  EXPECT_EQ(g.frames[8].item<int>(), 1);
}

TEST(Simple4d, ForgetsUnitsAndPlace) {
  torch::manual_seed(2);
  Simple4d student(Small(), {});
  student.eval();
  const torch::NoGradGuard no_grad;
  const Tensor clip = torch::randn({3, 60, 3});
  const Tensor here = student.Forward(Batch(student, {clip})).features;
  const Tensor there = student.Forward(Batch(student, {clip * 1024 + 256})).features;
  EXPECT_LT((here - there).abs().max().item<double>(), 1e-2);
}

TEST(Simple4d, InEvalModeAClipIsItsOwn) {
  torch::manual_seed(3);
  Simple4d student(Small(), {});
  student.eval();
  const torch::NoGradGuard no_grad;
  const Tensor a = torch::randn({4, 60, 3}), b = torch::randn({4, 60, 3}) * 3;
  const Tensor alone = student.Forward(Batch(student, {a})).features[0];
  EXPECT_TRUE(at::equal(alone, student.Forward(Batch(student, {b, a, b})).features[1]));
}

TEST(Simple4d, AwkwardClips) {
  for (const Tensor& clip : {torch::randn({1, 40, 3}),
                             torch::full({3, 40, 3}, 0.7),
                             torch::zeros({2, 5, 3}),
                             torch::randn({2, 1, 3})}) {
    torch::manual_seed(4);
    Simple4d student(Small(), {});
    const Tensor out = student.Forward(Batch(student, {clip})).features;
    EXPECT_TRUE(out.isfinite().all().item<bool>());
    out.sum().backward();
    for (const auto& item : student.named_parameters())
      EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
  }
}

TEST(Simple4d, RefusesBadClips) {
  Options o = Small();
  o.time_rows = 3;
  Simple4d student(o, {});
  EXPECT_THROW(student.Forward(Batch(student, {torch::randn({4, 20, 3})})), Error);
  Tensor clip = torch::zeros({3, 4, 3});
  clip[2][1][0] = INFINITY;
  try {
    student.Tokenize(clip);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("frame 2, point 1"));
  }
}

}  // namespace
}  // namespace cross4d::simple4d
