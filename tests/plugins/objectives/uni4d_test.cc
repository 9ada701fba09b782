// SPDX-License-Identifier: Apache-2.0
#include "plugins/objectives/uni4d/uni4d.h"

#include "core/pretext/tokens.h"
#include "core/pretext/tubes.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/plugins/objectives/reference.h"

namespace cross4d::uni4d {
namespace {

using test::Weights;
using torch::Tensor;

constexpr std::int64_t kDim = 12, kClips = 3, kFrames = 4, kPerFrame = 6;

Options Small() {
  Options o;
  o.neighbours = 5;
  o.depth = 2;
  o.dim = 16;
  o.heads = 2;
  o.queue = 8;
  return o;
}

Tensor Unit(const Tensor& x) { return x / x.square().sum(-1, true).sqrt(); }

/// -log softmax(logits)[positive]
Tensor Contrast(const Tensor& logits, std::int64_t positive) {
  return at::logsumexp(logits, {0}) - logits[positive];
}

struct Parts {
  Tensor geometry, latent, global, motion;
};

Parts Reference(const Weights& w,
                const Weights& student,
                const Tensor& queue,
                const StudentInput& input,
                const pretext::TokenSplit& split,
                const Options& o) {
  Weights teacher;
  for (const auto& [name, weight] : w) {
    if (name.starts_with("teacher.")) teacher[name.substr(8)] = weight.detach();
  }
  const Tensor tokens = test::RefEmbed(student, input);
  const Tensor wanted = test::RefEncode(teacher, tokens.detach());
  const Tensor known =
      test::RefLinear(w, "entry", test::RefEncode(student, test::RefTake(tokens, split.visible)));
  const Tensor position = test::RefLinear(w, "position", test::RefPlaces(input));
  const auto decode = [&](const char* token) {
    const Tensor seen = known + test::RefTake(position, split.visible);
    const Tensor asked = test::RefTake(position, split.hidden) + w.at(token);
    return test::RefPredictor(w, "decoder", o.depth, o.heads, at::cat({seen, asked}, 1))
        .narrow(1, seen.size(1), asked.size(1));
  };
  Parts parts;
  // The same points as the objective's, which mast_pre_test proves against a sort of its own.
  const Tensor tubes = pretext::TubesOf(input, split.hidden, {o.neighbours, 0}).points;
  parts.geometry = test::RefChamfer(
      test::RefLinear(w, "points", decode("geometry_token")).view({-1, o.neighbours, 3}),
      tubes.to(at::kDouble).flatten(0, 2));
  parts.latent = (1 - test::RefCosine(test::RefLinear(w, "latent", decode("latent_token")),
                                      test::RefTake(wanted, split.hidden)))
                     .mean();

  const Tensor query = Unit(std::get<0>(test::RefLinear(w, "clip", known).max(1)));
  const Tensor keys = Unit(std::get<0>(wanted.max(1)));
  parts.global = parts.motion = at::zeros({}, at::kDouble);
  for (std::int64_t b = 0; b < kClips; ++b) {
    const Tensor others = at::mv(queue.to(at::kDouble), query[b]);
    const Tensor own = (query[b] * keys[b]).sum().view({1});
    parts.global = parts.global + Contrast(at::cat({own, others}) / o.temperature, 0) / kClips;
  }

  const std::int64_t steps = kFrames - 1, visible = known.size(1) / kFrames;
  std::vector<Tensor> now;
  for (std::int64_t b = 0; b < kClips; ++b) {
    for (std::int64_t t = 0; t < steps; ++t) {
      now.push_back(std::get<0>(known[b].narrow(0, t * visible, visible).max(0)));
    }
  }
  const Tensor up = test::RefLinear(w, "motion_up", at::stack(now));
  const Tensor normed =
      (up - up.mean(0)) / at::sqrt(up.var(0, false) + 1e-5) * w.at("motion_norm.weight") +
      w.at("motion_norm.bias");
  const Tensor guess = Unit(test::RefLinear(w, "motion_down", normed.clamp_min(0)));
  for (std::int64_t b = 0; b < kClips; ++b) {
    const Tensor frames = Unit(std::get<0>(wanted[b].view({kFrames, kPerFrame, -1}).max(1)));
    for (std::int64_t t = 0; t < steps; ++t) {
      const Tensor logits = at::mv(frames.narrow(0, 1, steps), guess[b * steps + t]);
      parts.motion = parts.motion + Contrast(logits / o.temperature, t) / (kClips * steps);
    }
  }
  return parts;
}

TEST(Uni4d, FourLossesAndGradientsEqualTheReference) {
  torch::manual_seed(3);
  test::SmallStudent student(kDim);
  Uni4d objective(Small(), {});
  objective.Build(test::ShapeFor(kDim), student);
  const Tensor queue = objective.named_buffers()["queue"].clone();
  EXPECT_TRUE(at::allclose(queue.square().sum(1), at::ones({8})));
  TrainBatch batch;
  batch.input = test::MakeInput(kClips, kFrames, 20, kPerFrame);
  const ObjectiveOutput out = objective.Step(student, batch, test::ContextOf(0, 10, 4));
  out.loss.backward();

  const pretext::TokenSplit split = pretext::HidePerFrame(
      kClips, {kFrames, kPerFrame}, 0.75, test::ContextOf(0, 10, 4).generator);
  EXPECT_EQ(split.hidden.size(1), kFrames * 4);
  const Weights w = test::DoubleOf(objective), s = test::DoubleOf(student);
  const Parts parts = Reference(w, s, queue, batch.input, split, Small());
  const Tensor loss = parts.geometry + parts.latent + parts.global + parts.motion;
  loss.backward();
  EXPECT_LT(test::Difference(out.loss, loss), 1e-5);
  EXPECT_NEAR(out.monitors.at("geometry"), parts.geometry.item<double>(), 1e-5);
  EXPECT_NEAR(out.monitors.at("cosine"), 1 - parts.latent.item<double>(), 1e-5);
  EXPECT_NEAR(out.monitors.at("global"), parts.global.item<double>(), 1e-4);
  EXPECT_NEAR(out.monitors.at("motion"), parts.motion.item<double>(), 1e-4);
  EXPECT_TRUE(out.monitors.contains("target_std"));
  EXPECT_EQ(test::CompareGradients(objective, w, 2e-3), "");
  EXPECT_EQ(test::CompareGradients(student, s, 2e-3), "");
}

TEST(Uni4d, TheQueueTakesTheStepsClipsInTurn) {
  torch::manual_seed(4);
  test::SmallStudent student(kDim);
  Uni4d objective(Small(), {});
  objective.Build(test::ShapeFor(kDim), student);
  TrainBatch batch;
  batch.input = test::MakeInput(kClips, kFrames, 20, kPerFrame);
  const Tensor before = objective.named_buffers()["queue"].clone();
  for (int step = 0; step < 3; ++step) {
    objective.Step(student, batch, test::ContextOf(step, 10, 0));
    objective.AfterStep(student, test::ContextOf(step, 10, 0));
  }
  const Tensor queue = objective.named_buffers()["queue"];
  EXPECT_EQ(objective.named_buffers()["queue_next"].item<std::int64_t>(), 9 % 8);
  for (std::int64_t row = 0; row < 8; ++row) EXPECT_FALSE(at::equal(queue[row], before[row]));
  EXPECT_TRUE(at::allclose(queue.square().sum(1), at::ones({8})));
  // The teacher moves, so clip 2 of the last step, in row 0, is not clip 2 of the step before.
  EXPECT_FALSE(at::equal(queue[0], queue[5]));
}

TEST(Uni4d, TheTeacherStartsAloneOrAsACopyAndFollows) {
  for (const char* start : {"independent", "student"}) {
    torch::manual_seed(5);
    test::SmallStudent student(kDim);
    Options options = Small();
    options.teacher_start = start;
    Uni4d objective(options, {});
    objective.Build(test::ShapeFor(kDim), student);
    const Tensor teacher = objective.named_parameters()["teacher.mix.weight"];
    const Tensor own = student.named_parameters()["mix.weight"];
    EXPECT_EQ(at::equal(teacher, own), options.teacher_start == "student");
    const Tensor before = teacher.clone();
    {
      const torch::NoGradGuard no_grad;
      own.add_(1);
    }
    objective.AfterStep(student, test::ContextOf(0, 10, 0));
    EXPECT_LT(test::Difference(teacher, 0.999 * before + 0.001 * own), 1e-6);
  }
}

// Teacher and queue are parameters and buffers, so a run that was interrupted goes on bit for bit.
TEST(Uni4d, ARestoredStateGoesOnTheSame) {
  TrainBatch batch;
  batch.input = test::MakeInput(kClips, kFrames, 20, kPerFrame);
  torch::manual_seed(6);
  test::SmallStudent student(kDim), other(kDim);
  Uni4d objective(Small(), {}), again(Small(), {});
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
  EXPECT_TRUE(at::equal(objective.named_buffers()["queue"], again.named_buffers()["queue"]));
}

TEST(Uni4d, ABatchLargerThanTheQueueLeavesItsLastClips) {
  torch::manual_seed(7);
  test::SmallStudent student(kDim);
  Options options = Small();
  options.queue = 2;
  Uni4d objective(options, {});
  objective.Build(test::ShapeFor(kDim), student);
  TrainBatch batch;
  batch.input = test::MakeInput(5, kFrames, 20, kPerFrame);
  objective.Step(student, batch, test::ContextOf(0, 10, 0));
  objective.AfterStep(student, test::ContextOf(0, 10, 0));
  const Tensor queue = objective.named_buffers()["queue"];
  EXPECT_TRUE(at::allclose(queue.square().sum(1), at::ones({2})));
  EXPECT_EQ(objective.named_buffers()["queue_next"].item<std::int64_t>(), 0);
}

// One clip of one frame: nothing to tell apart in time, no statistics for the BatchNorm.
TEST(Uni4d, AwkwardClipsDoNoHarm) {
  EXPECT_THAT(CheckSchema(DescribeOptions().schema()), testing::IsEmpty());
  test::SmallStudent student(kDim);
  Uni4d objective(Small(), {});
  objective.Build(test::ShapeFor(kDim), student);
  for (const std::int64_t frames : {1, 2, 3}) {
    TrainBatch batch;
    batch.input = test::MakeInput(1, frames, 3, 2);
    batch.input.points.fill_(2);
    batch.input.centres.fill_(2);
    const ObjectiveOutput out = objective.Step(student, batch, test::ContextOf(0, 10, 0));
    out.loss.backward();
    EXPECT_TRUE(out.loss.isfinite().item<bool>());
    EXPECT_EQ(out.monitors.at("motion") == 0, frames < 3);
    for (const Tensor& p : student.parameters()) {
      EXPECT_TRUE(p.grad().isfinite().all().item<bool>());
    }
  }
}

}  // namespace
}  // namespace cross4d::uni4d
