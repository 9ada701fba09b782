// SPDX-License-Identifier: Apache-2.0
#include "core/pretext/chamfer.h"
#include "core/pretext/losses.h"
#include "core/pretext/momentum.h"
#include "core/pretext/predictor.h"
#include "core/pretext/tokens.h"
#include "core/pretext/tubes.h"

#include <cross4d/sdk/error.h>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <set>

namespace cross4d::pretext {
namespace {

using torch::Tensor;

torch::Generator Generator(std::uint64_t seed) {
  return torch::make_generator<at::CPUGeneratorImpl>(seed);
}

Tensor FramesOf(std::int64_t clips, std::int64_t frames, std::int64_t per_frame) {
  return at::arange(frames, at::kLong).repeat_interleave(per_frame).unsqueeze(0).repeat({clips, 1});
}

TEST(TokenLayoutTest, IsReadOffTheFramesOrRefused) {
  const TokenLayout layout = LayoutOf(FramesOf(2, 3, 4) * 2);  // frames 0, 2, 4
  EXPECT_EQ(layout.frames, 3);
  EXPECT_EQ(layout.per_frame, 4);
  EXPECT_THROW(LayoutOf(at::tensor({0, 0, 1}, at::kLong).unsqueeze(0)), Error);
  EXPECT_THROW(LayoutOf(at::tensor({1, 1, 0, 0}, at::kLong).unsqueeze(0)), Error);
  EXPECT_THROW(LayoutOf(at::tensor({0, 1, 0, 1}, at::kLong).unsqueeze(0)), Error);
  Tensor uneven = FramesOf(2, 3, 4);
  uneven[1] += 1;
  EXPECT_THROW(LayoutOf(uneven), Error);
}

void ExpectPartition(const TokenSplit& split, std::int64_t tokens) {
  for (std::int64_t b = 0; b < split.visible.size(0); ++b) {
    const Tensor all = std::get<0>(at::cat({split.visible[b], split.hidden[b]}).sort());
    EXPECT_TRUE(at::equal(all, at::arange(tokens, at::kLong)));
    EXPECT_TRUE((split.visible[b].diff() > 0).all().item<bool>());
    EXPECT_TRUE((split.hidden[b].diff() > 0).all().item<bool>());
  }
}

TEST(Masks, CountsAreExact) {
  const TokenLayout layout{12, 32};
  const TokenSplit anywhere = HideAnywhere(3, layout, 0.75, Generator(1));
  EXPECT_EQ(anywhere.hidden.sizes(), (at::IntArrayRef{3, 288}));
  ExpectPartition(anywhere, 384);
  EXPECT_FALSE(at::equal(anywhere.hidden[0], anywhere.hidden[1]));

  const TokenSplit frames = HidePerFrame(3, layout, 0.75, Generator(1));
  EXPECT_EQ(frames.hidden.sizes(), (at::IntArrayRef{3, 288}));
  ExpectPartition(frames, 384);
  const Tensor by_frame = at::floor_divide(frames.hidden, 32).view({3, 12, 24});
  EXPECT_TRUE((by_frame == at::arange(12, at::kLong).view({1, 12, 1})).all().item<bool>());

  EXPECT_TRUE(at::equal(HideAnywhere(3, layout, 0.75, Generator(1)).hidden, anywhere.hidden));
  EXPECT_FALSE(at::equal(HideAnywhere(3, layout, 0.75, Generator(2)).hidden, anywhere.hidden));
}

TEST(Masks, AtLeastOneTokenIsHiddenAndOneIsSeen) {
  EXPECT_EQ(HideAnywhere(1, {1, 2}, 0.9, Generator(1)).hidden.size(1), 1);
  EXPECT_EQ(HidePerFrame(1, {3, 2}, 0.05, Generator(1)).hidden.size(1), 3);
  EXPECT_EQ(HideAnywhere(1, {1, 10}, 0.7, Generator(1)).hidden.size(1), 7);
  EXPECT_THROW(HideAnywhere(1, {1, 1}, 0.75, Generator(1)), Error);
  EXPECT_THROW(HidePerFrame(1, {4, 1}, 0.75, Generator(1)), Error);
}

TEST(Tokens, TakePlacesAndScale) {
  const Tensor x = at::arange(24, at::kFloat).view({2, 4, 3});
  const Tensor index = at::tensor({3, 0, 1, 1}, at::kLong).view({2, 2});
  EXPECT_TRUE(at::equal(Take(x, index)[0][0], x[0][3]));
  EXPECT_TRUE(at::equal(Take(x, index)[1][1], x[1][1]));
  EXPECT_TRUE(at::equal(Take(x.select(2, 1), index), Take(x, index).select(2, 1)));

  StudentInput input;
  input.points = at::tensor({0.F, 0.F, 0.F, 4.F, 0.F, 0.F}).view({1, 2, 1, 3});
  input.centres = input.points.view({1, 2, 3});
  input.frames = FramesOf(1, 2, 1);
  const Tensor places = PlacesOf(input);
  EXPECT_TRUE(
      at::equal(places[0], at::tensor({-1.F, 0.F, 0.F, -1.F, 1.F, 0.F, 0.F, 1.F}).view({2, 4})));
  // Identical points, one frame.
  input.points = input.points.narrow(1, 0, 1);
  input.centres = input.centres.narrow(1, 0, 1);
  input.frames = FramesOf(1, 1, 1);
  EXPECT_TRUE(at::equal(PlacesOf(input), at::zeros({1, 1, 4})));
}

TEST(Tubes, NearestOrInABallWithTheEndFramesRepeated) {
  StudentInput input;
  input.points = at::randn({2, 3, 20, 3}, Generator(3), at::kFloat);
  input.centres = input.points.narrow(2, 0, 2).flatten(1, 2).contiguous();
  input.frames = FramesOf(2, 3, 2);
  const Tensor tokens = at::arange(6, at::kLong).unsqueeze(0).repeat({2, 1});
  const ClipScale scale = ScaleOf(input.points);
  for (const double radius : {0.0, 0.4}) {
    const PointTubes tubes = TubesOf(input, tokens, {7, radius});
    for (std::int64_t b = 0; b < 2; ++b) {
      for (std::int64_t m = 0; m < 6; ++m) {
        for (std::int64_t slot = 0; slot < 3; ++slot) {
          const std::int64_t frame = std::clamp<std::int64_t>(m / 2 + slot - 1, 0, 2);
          const Tensor cloud = (input.points[b][frame] - scale.origin[b]) / scale.radius[b];
          const Tensor distance = (cloud - tubes.anchors[b][m]).norm(2, {1});
          Tensor order = radius > 0 ? (distance < radius).nonzero().squeeze(1) : distance.argsort();
          const std::int64_t count = std::min<std::int64_t>(7, order.numel());
          EXPECT_EQ(tubes.counts[b][m][slot].item<std::int64_t>(), count);
          if (count == 0) order = at::zeros({1}, at::kLong);
          for (std::int64_t k = 0; k < 7; ++k) {
            const Tensor want = cloud[order[k < count ? k : 0]].squeeze(0);
            EXPECT_TRUE(at::allclose(tubes.points[b][m][slot][k], want, 1e-4, 1e-5));
          }
        }
      }
    }
  }
  EXPECT_EQ(TubesOf(input, tokens, {32, 0}).counts.max().item<std::int64_t>(), 20);
}

TEST(Chamfer, EqualsAllPairsAndItsGradientFiniteDifferences) {
  const Tensor a = at::randn({300, 6, 3}, Generator(4), at::kFloat).requires_grad_();
  const Tensor b = at::randn({300, 9, 3}, Generator(5), at::kFloat);
  const auto slow = [&](const Tensor& x) {
    const Tensor y = b.to(at::kDouble);
    const Tensor d = (x.unsqueeze(2) - y.unsqueeze(1)).square().sum(3);
    return (std::get<0>(d.min(2)).mean() + std::get<0>(d.min(1)).mean()).item<double>();
  };
  const Tensor loss = Chamfer(a, b);
  loss.backward();
  const Tensor x = a.detach().to(at::kDouble);
  EXPECT_NEAR(loss.item<double>(), slow(x), 1e-5);
  for (const std::int64_t i : {0, 17, 3001}) {
    Tensor up = x.clone(), down = x.clone();
    up.view({-1})[i] += 1e-5;
    down.view({-1})[i] -= 1e-5;
    const double numeric = (slow(up) - slow(down)) / 2e-5;
    EXPECT_NEAR(a.grad().view({-1})[i].item<double>(), numeric, 1e-3 * std::abs(numeric) + 1e-7);
  }
}

TEST(Chamfer, TiesGoToTheLowerIndex) {
  const float a[3] = {0, 0, 0}, b[9] = {2, 0, 0, 1, 0, 0, 0, 1, 0};
  std::int64_t nearest = -1;
  NearestInGroup(a, b, 1, 1, 3, &nearest);
  EXPECT_EQ(nearest, 1);
}

TEST(Losses, UnitAndSignsOfCollapse) {
  const Tensor x = at::tensor({3.F, 4.F, 0.F, 0.F}).view({2, 2});
  EXPECT_TRUE(at::allclose(Unit(x), at::tensor({0.6F, 0.8F, 0.F, 0.F}).view({2, 2})));
  EXPECT_NEAR(MeanStd(x), (3 + 4) / std::sqrt(2.0) / 2, 1e-6);
  EXPECT_EQ(MeanStd(x.narrow(0, 0, 1)), 0);
  EXPECT_NEAR(MeanCosine(x, -x), -0.5, 1e-6);
}

class Norm final : public Student {
 public:
  Norm() {
    weight = register_parameter("weight", at::rand({4}));
    mean = register_buffer("mean", at::zeros({4}));
  }
  TokenGeometry Tokenize(const Tensor&) const override { return {}; }
  StudentOutput Forward(const StudentInput&) override { return {}; }
  std::int64_t dim() const override { return 4; }
  Tensor weight, mean;
};

TEST(Momentum, ParametersAreAveragedBuffersCopied) {
  Norm student;
  ObjectiveShape shape;
  EXPECT_THROW(MakeTeacher(shape, student, true), Error);
  shape.make_student = [] { return std::make_shared<Norm>(); };
  const auto own = std::dynamic_pointer_cast<Norm>(MakeTeacher(shape, student, false));
  EXPECT_FALSE(at::equal(own->weight, student.weight));
  const auto teacher = std::dynamic_pointer_cast<Norm>(MakeTeacher(shape, student, true));
  EXPECT_TRUE(at::equal(teacher->weight, student.weight));
  EXPECT_NE(teacher->weight.data_ptr(), student.weight.data_ptr());
  EXPECT_FALSE(teacher->weight.requires_grad());
  EXPECT_FALSE(teacher->is_training());
  const Tensor before = teacher->weight.clone();
  {
    const torch::NoGradGuard no_grad;
    student.weight.add_(1);
    student.mean.add_(2);
  }
  MoveTeacher(*teacher, student, 0.75);
  EXPECT_TRUE(at::allclose(teacher->weight, 0.75 * before + 0.25 * student.weight.detach()));
  EXPECT_TRUE(at::equal(teacher->mean, student.mean));
  MoveTeacher(*teacher, student, 1);
  EXPECT_TRUE(at::allclose(teacher->weight, 0.75 * before + 0.25 * student.weight.detach()));
}

TEST(PredictorTest, HeadsMustDivide) {
  EXPECT_THROW(Predictor(PredictorShape{10, 1, 4, 20}), Error);
  EXPECT_EQ(Predictor(PredictorShape{8, 2, 4, 16})->forward(at::zeros({2, 3, 8})).sizes(),
            (at::IntArrayRef{2, 3, 8}));
}

}  // namespace
}  // namespace cross4d::pretext
