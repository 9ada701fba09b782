// SPDX-License-Identifier: Apache-2.0
#include "i_jepa.h"

#include "core/pretext/losses.h"
#include "core/pretext/momentum.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace cross4d::i_jepa {
namespace {

using torch::Tensor;

void CheckRange(const char* name, const std::vector<double>& range) {
  if (range.size() == 2 && range[0] <= range[1]) return;
  FailInput("i-jepa: option " + std::string(name) +
            " must be two numbers, the lower one first, as in [0.15, 0.2]");
}

std::int64_t Part(double share, std::int64_t whole) {
  return std::clamp<std::int64_t>(std::llround(share * static_cast<double>(whole)), 1, whole);
}

}  // namespace

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("targets", &Options::targets, "Tubes that are hidden and predicted.").Range(1, 16);
  t.Add("target_share",
        &Options::target_share,
        "Tokens of a frame that belong to a tube, drawn between these two.")
      .Range(0.01, 0.5);
  t.Add("span_share",
        &Options::span_share,
        "Frames that a tube lasts, as a part of the clip, drawn between these two.")
      .Range(0.01, 1);
  t.Add("context_share",
        &Options::context_share,
        "What the student sees of the tokens outside the tubes, drawn between these two.")
      .Range(0.01, 1);
  t.Add("momentum",
        &Options::momentum,
        "Momentum of the teacher at the first and after the last step, linear between.")
      .Range(0, 1);
  t.Add("depth", &Options::depth, "Layers of the predictor.").Range(1, 24);
  t.Add("dim", &Options::dim, "Width of the predictor; its feed-forward part is 4 times as wide.")
      .Range(1, 4096);
  t.Add("heads", &Options::heads, "Attention heads of the predictor.").Range(1, 64);
  t.Add("beta", &Options::beta, "Where the smooth L1 loss turns from square to linear.")
      .Range(1e-3, 100);
  t.Divides("heads", "dim");
  return t;
}

IJepa::IJepa(const Options& options, const PluginContext& /*context*/) : options_(options) {
  CheckRange("target_share", options.target_share);
  CheckRange("span_share", options.span_share);
  CheckRange("context_share", options.context_share);
  CheckRange("momentum", options.momentum);
}

void IJepa::Build(const ObjectiveShape& shape, Student& student) {
  const std::int64_t dim = options_.dim;
  in_ = register_module("entry", torch::nn::Linear(shape.student_dim, dim));
  position_in_ = register_module("position_in", torch::nn::Linear(4, dim));
  position_out_ = register_module("position_out", torch::nn::Linear(dim, dim));
  mask_token_ = register_parameter("mask_token", pretext::MaskToken(dim));
  predictor_ = register_module(
      "predictor",
      pretext::Predictor(pretext::PredictorShape{dim, options_.depth, options_.heads, 4 * dim}));
  out_ = register_module("out", torch::nn::Linear(dim, shape.student_dim));
  teacher_ = register_module("teacher", pretext::MakeTeacher(shape, student, /*copy=*/true));
}

BlockSizes IJepa::DrawSizes(const pretext::TokenLayout& layout, RandomStream& random) const {
  const auto draw = [&](const std::vector<double>& range) {
    return random.Uniform(range[0], range[1]);
  };
  BlockSizes sizes;
  sizes.tubes = options_.targets;
  sizes.per_frame = Part(draw(options_.target_share), layout.per_frame);
  sizes.frames = Part(draw(options_.span_share), layout.frames);
  sizes.context_share = draw(options_.context_share);
  return sizes;
}

Tensor IJepa::Targets(const Tensor& tokens, const StudentInput& input) {
  const torch::NoGradGuard no_grad;
  teacher_->eval();
  const Tensor features = teacher_->Encode(tokens.detach(), input.centres, input.frames);
  return at::layer_norm(features, {features.size(2)});
}

Tensor IJepa::Predict(const Tensor& context, const Tensor& places, const Blocks& blocks) {
  const std::int64_t clips = context.size(0), seen = context.size(1), tubes = options_.targets;
  const std::int64_t size = blocks.targets.size(2);
  const Tensor position = position_out_(at::gelu(position_in_(places)));
  const Tensor known = in_(context) + pretext::Take(position, blocks.context);
  const Tensor asked =
      pretext::Take(position, blocks.targets.flatten(1)).view({clips * tubes, size, -1}) +
      mask_token_;
  // Each tube by itself, as in i-JEPA: what is asked for elsewhere gives nothing away.
  const Tensor mixed = predictor_(at::cat({known.repeat_interleave(tubes, 0), asked}, 1));
  return out_(mixed.narrow(1, seen, size)).view({clips, tubes, size, -1});
}

ObjectiveOutput IJepa::Step(Student& student, const TrainBatch& batch, const StepContext& context) {
  const StudentInput& input = batch.input;
  const pretext::TokenLayout layout = pretext::LayoutOf(input.frames);
  RandomStream random = pretext::StreamOf(context.generator);
  const BlockSizes sizes = DrawSizes(layout, random);
  const Blocks blocks = DrawBlocks(input.centres, layout, sizes, random);

  const Tensor tokens = student.Embed(input);
  const Tensor targets = Targets(tokens, input);
  const Tensor features = pretext::EncodeSome(student, tokens, input, blocks.context);
  const Tensor predicted = Predict(features, pretext::PlacesOf(input), blocks);
  const Tensor wanted = pretext::Take(targets, blocks.targets.flatten(1)).view(predicted.sizes());

  ObjectiveOutput out;
  out.loss = at::smooth_l1_loss(predicted, wanted, at::Reduction::Mean, options_.beta);
  out.predictions = predicted.flatten(0, 2);
  out.monitors["cosine"] = pretext::MeanCosine(predicted, wanted);
  out.monitors["prediction_std"] = pretext::MeanStd(predicted.detach());
  out.monitors["target_std"] = pretext::MeanStd(targets);
  out.monitors["context"] =
      static_cast<double>(blocks.context.size(1)) / static_cast<double>(layout.tokens());
  return out;
}

double IJepa::MomentumAt(std::int64_t step, std::int64_t total_steps) const {
  const double done =
      static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, total_steps));
  return options_.momentum[0] + (options_.momentum[1] - options_.momentum[0]) * done;
}

void IJepa::AfterStep(Student& student, const StepContext& context) {
  pretext::MoveTeacher(*teacher_, student, MomentumAt(context.step, context.total_steps));
}

}  // namespace cross4d::i_jepa

CROSS4D_PLUGIN(objective,
               Objective,
               "i-jepa",
               "1.0.0",
               "Hidden tubes of tokens, predicted in a momentum teacher's features (i-JEPA).",
               "",
               "maskable",
               cross4d::i_jepa::IJepa,
               cross4d::i_jepa::DescribeOptions)
