// SPDX-License-Identifier: Apache-2.0
#include "plugins/objectives/i-jepa/i_jepa.h"

#include <cross4d/sdk/error.h>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <algorithm>
#include <set>
#include <vector>

#include "tests/plugins/objectives/reference.h"

namespace cross4d::i_jepa {
namespace {

using test::Weights;
using torch::Tensor;

constexpr std::int64_t kDim = 12, kClips = 3, kFrames = 6, kPerFrame = 10;

Options Small() {
  Options o;
  o.depth = 2;
  o.dim = 16;
  o.heads = 2;
  o.targets = 2;
  return o;
}

std::vector<std::int64_t> Row(const Tensor& index) {
  const Tensor flat = index.contiguous();
  return {flat.data_ptr<std::int64_t>(), flat.data_ptr<std::int64_t>() + flat.numel()};
}

TEST(IJepaBlocks, CountsSpansAndNearestTokens) {
  const StudentInput input = test::MakeInput(kClips, kFrames, 30, kPerFrame);
  const BlockSizes sizes{4, 2, 3, 0.5};
  RandomStream random(7);
  const Blocks blocks = DrawBlocks(input.centres, {kFrames, kPerFrame}, sizes, random);
  EXPECT_EQ(blocks.targets.sizes(), (at::IntArrayRef{kClips, 4, 6}));
  std::int64_t fewest = kFrames * kPerFrame;
  for (std::int64_t b = 0; b < kClips; ++b) {
    std::set<std::int64_t> covered;
    for (std::int64_t k = 0; k < 4; ++k) {
      const auto tube = Row(blocks.targets[b][k]);
      EXPECT_TRUE(std::is_sorted(tube.begin(), tube.end()));
      covered.insert(tube.begin(), tube.end());
      for (int i = 0; i < 6; ++i) EXPECT_EQ(tube[i] / kPerFrame, tube[0] / kPerFrame + i / 2);
    }
    fewest = std::min(fewest, kFrames * kPerFrame - static_cast<std::int64_t>(covered.size()));
    for (const std::int64_t token : Row(blocks.context[b])) EXPECT_FALSE(covered.contains(token));
  }
  EXPECT_EQ(blocks.context.size(1), std::llround(0.5 * static_cast<double>(fewest)));
}

// One frame and all of its tokens but some: the tube is a ball around one of its own tokens.
TEST(IJepaBlocks, ATubeIsNearestToOneOfItsTokens) {
  const StudentInput input = test::MakeInput(1, 4, 30, kPerFrame);
  RandomStream random(3);
  const Blocks blocks = DrawBlocks(input.centres, {4, kPerFrame}, {1, 3, 4, 0.5}, random);
  const auto tube = Row(blocks.targets[0][0]);
  bool found = false;
  for (const std::int64_t seed : tube) {
    const Tensor distance = (input.centres[0] - input.centres[0][seed]).square().sum(1);
    bool all = true;
    for (std::int64_t f = 0; f < 4; ++f) {
      const auto nearest = Row(
          std::get<1>(distance.narrow(0, f * kPerFrame, kPerFrame).topk(3, 0, /*largest=*/false)));
      for (const std::int64_t slot : nearest) {
        all &= std::find(tube.begin(), tube.end(), f * kPerFrame + slot) != tube.end();
      }
    }
    found |= all;
  }
  EXPECT_TRUE(found);
}

TEST(IJepaBlocks, TubesThatCoverEverythingLeaveAContext) {
  const StudentInput input = test::MakeInput(2, 3, 8, 2);
  RandomStream random(1);
  const Blocks blocks = DrawBlocks(input.centres, {3, 2}, {8, 2, 3, 0.5}, random);
  EXPECT_EQ(blocks.context.sizes(), (at::IntArrayRef{2, 1}));
}

TEST(IJepa, SizesStayWithinTheirRanges) {
  const IJepa objective(Options(), {});
  RandomStream random(11);
  for (int i = 0; i < 200; ++i) {
    const BlockSizes sizes = objective.DrawSizes({24, 64}, random);
    EXPECT_EQ(sizes.tubes, 4);
    EXPECT_GE(sizes.per_frame, 10);  // 0.15 * 64 = 9.6
    EXPECT_LE(sizes.per_frame, 13);  // 0.20 * 64 = 12.8
    EXPECT_GE(sizes.frames, 12);
    EXPECT_LE(sizes.frames, 24);
    EXPECT_GE(sizes.context_share, 0.40);
    EXPECT_LE(sizes.context_share, 0.75);
  }
}

TEST(IJepa, MomentumIsLinearAndExact) {
  test::SmallStudent student(kDim);
  IJepa objective(Small(), {});
  objective.Build(test::ShapeFor(kDim), student);
  EXPECT_DOUBLE_EQ(objective.MomentumAt(0, 100), 0.996);
  EXPECT_DOUBLE_EQ(objective.MomentumAt(50, 100), 0.998);
  EXPECT_DOUBLE_EQ(objective.MomentumAt(100, 100), 1.0);
  const auto teacher = [&] { return objective.named_parameters()["teacher.mix.weight"]; };
  const auto own = [&] { return student.named_parameters()["mix.weight"]; };
  EXPECT_TRUE(at::equal(teacher(), own()));  // it starts as a copy
  EXPECT_FALSE(teacher().requires_grad());
  const Tensor before = teacher().clone();
  {
    const torch::NoGradGuard no_grad;
    own().add_(1);
  }
  objective.AfterStep(student, test::ContextOf(25, 100, 0));
  EXPECT_LT(test::Difference(teacher(), 0.997 * before + 0.003 * own()), 1e-6);
}

/// The objective once more, in float64 and without its modules.
Tensor Reference(const Weights& w,
                 const Weights& student,
                 const StudentInput& input,
                 const Blocks& blocks,
                 const Options& o) {
  Weights teacher;
  for (const auto& [name, weight] : w) {
    if (name.starts_with("teacher.")) teacher[name.substr(8)] = weight.detach();
  }
  const Tensor tokens = test::RefEmbed(student, input);
  const Tensor targets = test::RefNorm(test::RefEncode(teacher, tokens.detach()));
  const Tensor context = test::RefEncode(student, test::RefTake(tokens, blocks.context));
  const Tensor position = test::RefLinear(
      w, "position_out", test::RefGelu(test::RefLinear(w, "position_in", test::RefPlaces(input))));
  const Tensor known =
      test::RefLinear(w, "entry", context) + test::RefTake(position, blocks.context);
  Tensor loss = at::zeros({}, at::kDouble);
  for (std::int64_t k = 0; k < o.targets; ++k) {
    const Tensor tube = blocks.targets.select(1, k);
    const Tensor asked = test::RefTake(position, tube) + w.at("mask_token");
    const Tensor mixed =
        test::RefPredictor(w, "predictor", o.depth, o.heads, at::cat({known, asked}, 1));
    const Tensor got = test::RefLinear(w, "out", mixed.narrow(1, known.size(1), asked.size(1)));
    const Tensor d = (got - test::RefTake(targets, tube)).abs();
    loss = loss + at::where(d < o.beta, d * d / (2 * o.beta), d - o.beta / 2).mean();
  }
  return loss / o.targets;
}

TEST(IJepa, LossAndGradientsEqualTheReference) {
  torch::manual_seed(1);
  test::SmallStudent student(kDim);
  Options options = Small();
  options.beta = 0.5;  // both branches of the loss
  IJepa objective(options, {});
  objective.Build(test::ShapeFor(kDim), student);
  {
    const torch::NoGradGuard no_grad;
    for (auto& item : objective.named_parameters()) {
      if (item.key().starts_with("teacher.")) item.value().add_(at::randn_like(item.value()) * 0.1);
    }
  }
  TrainBatch batch;
  batch.input = test::MakeInput(kClips, kFrames, 30, kPerFrame);
  const ObjectiveOutput out = objective.Step(student, batch, test::ContextOf(0, 10, 42));
  out.loss.backward();

  const pretext::TokenLayout layout{kFrames, kPerFrame};
  RandomStream random = pretext::StreamOf(test::ContextOf(0, 10, 42).generator);
  const BlockSizes sizes = objective.DrawSizes(layout, random);
  const Blocks blocks = DrawBlocks(batch.input.centres, layout, sizes, random);
  const Weights w = test::DoubleOf(objective), s = test::DoubleOf(student);
  const Tensor loss = Reference(w, s, batch.input, blocks, options);
  loss.backward();
  EXPECT_LT(test::Difference(out.loss, loss), 1e-5);
  EXPECT_EQ(test::CompareGradients(objective, w, 1e-3), "");
  EXPECT_EQ(test::CompareGradients(student, s, 1e-3), "");

  EXPECT_EQ(out.predictions.size(0), blocks.targets.numel());
  EXPECT_THAT(out.monitors,
              testing::ElementsAre(testing::Key("context"),
                                   testing::Key("cosine"),
                                   testing::Key("prediction_std"),
                                   testing::Key("target_std")));
}

// The teacher is in the parameters, so a run that was interrupted goes on bit for bit.
TEST(IJepa, ARestoredStateGoesOnTheSame) {
  TrainBatch batch;
  batch.input = test::MakeInput(kClips, kFrames, 30, kPerFrame);
  torch::manual_seed(2);
  test::SmallStudent student(kDim), other(kDim);
  IJepa objective(Small(), {}), again(Small(), {});
  objective.Build(test::ShapeFor(kDim), student);
  again.Build(test::ShapeFor(kDim), other);
  for (int step = 0; step < 2; ++step) {
    test::TrainStep(objective, student, batch, test::ContextOf(step, 10, 7));
  }
  test::CopyState(student, other);
  test::CopyState(objective, again);
  for (int step = 2; step < 4; ++step) {
    const StepContext one = test::ContextOf(step, 10, 8), two = test::ContextOf(step, 10, 8);
    EXPECT_TRUE(at::equal(test::TrainStep(objective, student, batch, one),
                          test::TrainStep(again, other, batch, two)));
  }
}

TEST(IJepa, BadSettingsAndLayoutsAreRefused) {
  EXPECT_THAT(CheckSchema(DescribeOptions().schema()), testing::IsEmpty());
  Options options = Small();
  options.target_share = {0.2};
  EXPECT_THROW(IJepa(options, {}), Error);
  options.target_share = {0.2, 0.1};
  EXPECT_THROW(IJepa(options, {}), Error);

  test::SmallStudent student(kDim);
  IJepa objective(Small(), {});
  objective.Build(test::ShapeFor(kDim), student);
  TrainBatch batch;
  batch.input = test::MakeInput(2, 3, 8, 4);
  batch.input.frames[1][0] = 1;
  EXPECT_THROW(objective.Step(student, batch, test::ContextOf(0, 10, 0)), Error);
}

// One frame, one clip, few points that are all the same.
TEST(IJepa, AwkwardClipsDoNoHarm) {
  test::SmallStudent student(kDim);
  IJepa objective(Small(), {});
  objective.Build(test::ShapeFor(kDim), student);
  TrainBatch batch;
  batch.input = test::MakeInput(1, 1, 3, 2);
  batch.input.points.fill_(2);
  batch.input.centres.fill_(2);
  const ObjectiveOutput out = objective.Step(student, batch, test::ContextOf(0, 10, 0));
  out.loss.backward();
  EXPECT_TRUE(out.loss.isfinite().item<bool>());
  for (const Tensor& p : student.parameters()) {
    EXPECT_TRUE(p.grad().isfinite().all().item<bool>());
  }
}

}  // namespace
}  // namespace cross4d::i_jepa
