// SPDX-License-Identifier: Apache-2.0
#include "core/conformance/suite.h"
#include "core/plugin/load.h"

#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/tags.h>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

namespace cross4d::conformance {
namespace {

constexpr std::int64_t kClips = 4, kFrames = 8, kTokens = 48, kDim = 16, kTargetDim = 12,
                       kViews = 2;

/// The smallest honest student: every n-th point is a token, a linear layer embeds it and another
/// one mixes in the mean of all.
class SmallStudent final : public Student {
 public:
  SmallStudent() {
    linear_ = register_module("linear", torch::nn::Linear(3, kDim));
    mix_ = register_module("mix", torch::nn::Linear(kDim, kDim));
  }
  TokenGeometry Tokenize(const torch::Tensor& points) const override {
    const std::int64_t frames = points.size(0), per_frame = kTokens / frames;
    const torch::Tensor index = torch::arange(per_frame) * (points.size(1) / per_frame);
    return {points.index_select(1, index).flatten(0, 1).contiguous(),
            torch::arange(frames).repeat_interleave(per_frame),
            index.repeat({frames}),
            {}};
  }
  StudentOutput Forward(const StudentInput& input) override {
    return {Encode(Embed(input), input.centres, input.frames), input.centres, input.frames};
  }
  torch::Tensor Embed(const StudentInput& input) override {
    return linear_->forward(input.centres).tanh();
  }
  torch::Tensor Encode(const torch::Tensor& tokens,
                       const torch::Tensor& /*centres*/,
                       const torch::Tensor& /*frames*/) override {
    return tokens + mix_->forward(tokens.mean(1, true));
  }
  std::int64_t dim() const override { return kDim; }

 private:
  torch::nn::Linear linear_{nullptr}, mix_{nullptr};
};

struct Pair {
  std::shared_ptr<SmallStudent> student;
  std::shared_ptr<Objective> objective;
};

Pair Create(const Suite& suite, std::uint64_t seed, bool targets) {
  torch::manual_seed(seed);
  Pair pair;
  pair.student = std::make_shared<SmallStudent>();
  pair.objective = plugin::CreateObjective(suite.record, suite.settings.options, suite.context());
  pair.objective->Build({.student_dim = kDim,
                         .target_dim = targets ? kTargetDim : 0,
                         .frames = kFrames,
                         .views = targets ? kViews : 0,
                         .make_student = [] { return std::make_shared<SmallStudent>(); }},
                        *pair.student);
  pair.student->train();
  pair.objective->train();
  return pair;
}

TrainBatch MakeBatch(const Suite& suite, const Student& student) {
  std::vector<torch::Tensor> clips;
  std::vector<TokenGeometry> geometry;
  for (std::int64_t i = 0; i < kClips; ++i) {
    clips.push_back(MadeUpClip(kFrames, suite.settings.points, i));
    geometry.push_back(student.Tokenize(clips.back()));
  }
  TrainBatch batch;
  batch.input = StackInput(clips, geometry);
  const auto generator = torch::make_generator<at::CPUGeneratorImpl>(11);
  if (suite.plugin.Requires(tags::kTokenTargets)) {
    batch.token_targets = torch::randn({kClips, kTokens, kTargetDim}, generator);
    batch.token_visible = torch::rand({kClips, kTokens}, generator) < 0.7;
  }
  if (suite.plugin.Requires(tags::kClipTargets)) {
    batch.clip_targets = torch::randn({kClips, kTargetDim}, generator);
  }
  if (suite.plugin.Requires(tags::kFrameTargets)) {
    batch.frame_targets = torch::randn({kClips, kViews, kFrames, kTargetDim}, generator);
    batch.view_visible = torch::rand({kClips, kViews, kTokens}, generator) < 0.7;
  }
  return batch;
}

ObjectiveOutput Step(const Pair& pair, const TrainBatch& batch) {
  StepContext context;
  context.step = 3;
  context.total_steps = 10;
  context.generator = torch::make_generator<at::CPUGeneratorImpl>(17);
  torch::manual_seed(23);
  return pair.objective->Step(*pair.student, batch, context);
}

std::string CheckOutput(const ObjectiveOutput& out) {
  if (!out.loss.defined() || out.loss.dim() != 0 || out.loss.scalar_type() != torch::kFloat) {
    return "the loss is no float32 scalar";
  }
  if (!out.loss.isfinite().item<bool>()) return "the loss is not finite";
  if (!out.loss.requires_grad()) return "the loss has no gradient";
  if (out.predictions.defined() && out.predictions.dim() != 2) return "predictions are not [M, d]";
  for (const auto& [name, value] : out.monitors) {
    if (!std::isfinite(value)) return "the monitor " + name + " is not finite";
  }
  return "";
}

std::string NothingVisible(const Suite& suite, bool targets) {
  const Pair pair = Create(suite, 1, targets);
  TrainBatch batch = MakeBatch(suite, *pair.student);
  for (torch::Tensor* visible : {&batch.token_visible, &batch.view_visible}) {
    if (visible->defined()) visible->zero_();
  }
  const ObjectiveOutput out = Step(pair, batch);
  const std::string text = CheckOutput(out);
  if (!text.empty()) return text;
  out.loss.backward();
  for (const torch::Tensor& p : pair.student->parameters()) {
    if (p.grad().defined() && !p.grad().isfinite().all().item<bool>())
      return "the gradient is not finite";
  }
  return "";
}

std::string SaveAndLoad(const Suite& suite,
                        const Pair& pair,
                        const TrainBatch& batch,
                        bool targets) {
  const Pair other = Create(suite, 99, targets);
  LoadModule(*other.objective, SaveModule(*pair.objective));
  LoadModule(*other.student, SaveModule(*pair.student));
  return SameBytes(Step(pair, batch).loss.detach(), Step(other, batch).loss.detach())
             ? ""
             : "the loaded objective gives another loss; is something not registered?";
}

void CheckSteps(Suite& suite, bool targets) {
  const Pair pair = Create(suite, 1, targets), again = Create(suite, 1, targets);
  const TrainBatch batch = MakeBatch(suite, *pair.student);
  suite.Run("a step gives a finite scalar loss with gradient",
            [&] { return CheckOutput(Step(pair, batch)); });
  suite.Run("one seed gives one loss", [&]() -> std::string {
    return SameBytes(Step(pair, batch).loss.detach(), Step(again, batch).loss.detach())
               ? ""
               : "the loss differs";
  });
  suite.Run("a gradient reaches every parameter of head and student", [&] {
    Step(pair, batch).loss.backward();
    const auto loss = [&] { return Step(pair, batch).loss; };
    const std::string head = MissingGradients(*pair.objective, loss);
    return head.empty() ? MissingGradients(*pair.student, loss) : head;
  });
  suite.Run("AfterStep can be called", [&]() -> std::string {
    pair.objective->AfterStep(*pair.student, {});
    return "";
  });
  suite.Run("saved and loaded, it gives the same loss",
            [&] { return SaveAndLoad(suite, pair, batch, targets); });
  if (suite.plugin.Requires(tags::kTokenTargets) || suite.plugin.Requires(tags::kFrameTargets)) {
    suite.Run("a batch without a visible point does no harm",
              [&] { return NothingVisible(suite, targets); });
  }
}

}  // namespace

void CheckObjective(Suite& suite) {
  const bool targets = suite.plugin.Requires(tags::kTokenTargets) ||
                       suite.plugin.Requires(tags::kClipTargets) ||
                       suite.plugin.Requires(tags::kFrameTargets);
  Pair pair;
  suite.Run("it can be created and built", [&]() -> std::string {
    pair = Create(suite, 1, targets);
    return "";
  });
  if (pair.objective == nullptr || !suite.report.passed()) return;
  if (suite.plugin.Provides(tags::kUntrained)) {
    suite.Run(
        "an untrained objective has no parameters and needs no targets", [&]() -> std::string {
          if (CountParameters(*pair.objective) != 0) return "it has parameters";
          if (targets) return "it requires targets";
          return pair.objective->calibration_clips() >= 0 ? "" : "calibration_clips is negative";
        });
    return;
  }
  CheckSteps(suite, targets);
  suite.report.figures.push_back("head at C = " + std::to_string(kDim) +
                                 ", d = " + std::to_string(kTargetDim) + ": " +
                                 std::to_string(CountParameters(*pair.objective)) + " parameters");
}

}  // namespace cross4d::conformance
