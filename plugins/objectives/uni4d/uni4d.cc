// SPDX-License-Identifier: Apache-2.0
#include "uni4d.h"

#include "core/pretext/losses.h"
#include "core/pretext/momentum.h"
#include "core/pretext/tubes.h"

#include <cross4d/sdk/plugin.h>

#include <ATen/ATen.h>

#include <algorithm>

namespace cross4d::uni4d {
namespace {

using torch::Tensor;

constexpr std::int64_t kSlots = 3;  // frames t-1, t, t+1

}  // namespace

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("mask_ratio", &Options::mask_ratio, "Part of each frame's tokens that is hidden.")
      .Range(0.05, 0.95);
  t.Add("neighbours", &Options::neighbours, "Points of a frame around a token that are predicted.")
      .Range(1, 512);
  t.Add("radius",
        &Options::radius,
        "0: the nearest points; else the first ones within this part of the clip's radius.")
      .Range(0, 2);
  t.Add("relative",
        &Options::relative,
        "Predict points relative to the token's centre instead of absolute ones.");
  t.Add("momentum", &Options::momentum, "Momentum of the teacher.").Range(0, 1);
  t.Add("teacher_start",
        &Options::teacher_start,
        "The teacher starts from weights of its own or from the student's.")
      .Choices({"independent", "student"});
  t.Add("queue", &Options::queue, "Earlier clips that a clip is told apart from.")
      .Unit("clips")
      .Range(1, 1e6);
  t.Add("temperature", &Options::temperature, "Temperature of both contrasts.").Range(1e-3, 10);
  t.Add("depth", &Options::depth, "Layers of the decoder.").Range(1, 24);
  t.Add("dim", &Options::dim, "Width of the decoder; its feed-forward part is twice as wide.")
      .Range(1, 4096);
  t.Add("heads", &Options::heads, "Attention heads of the decoder.").Range(1, 64);
  t.Divides("heads", "dim");
  return t;
}

Uni4d::Uni4d(const Options& options, const PluginContext& /*context*/) : options_(options) {}

void Uni4d::Build(const ObjectiveShape& shape, Student& student) {
  const std::int64_t dim = options_.dim, channels = shape.student_dim;
  const auto linear = [this](const char* name, std::int64_t from, std::int64_t to) {
    return register_module(name, torch::nn::Linear(from, to));
  };
  in_ = linear("entry", channels, dim);
  position_ = linear("position", 4, dim);
  geometry_token_ = register_parameter("geometry_token", pretext::MaskToken(dim));
  latent_token_ = register_parameter("latent_token", pretext::MaskToken(dim));
  decoder_ = register_module(
      "decoder",
      pretext::Predictor(pretext::PredictorShape{dim, options_.depth, options_.heads, 2 * dim}));
  points_ = linear("points", dim, kSlots * options_.neighbours * 3);
  latent_ = linear("latent", dim, channels);
  global_ = linear("clip", dim, channels);
  motion_up_ = linear("motion_up", dim, 4 * dim);
  motion_norm_ = register_module("motion_norm", torch::nn::BatchNorm1d(4 * dim));
  motion_down_ = linear("motion_down", 4 * dim, channels);
  queue_ =
      register_buffer("queue", pretext::Unit(at::randn({options_.queue, channels}, at::kFloat)));
  queue_next_ = register_buffer("queue_next", at::zeros({1}, at::kLong));
  teacher_ = register_module(
      "teacher", pretext::MakeTeacher(shape, student, options_.teacher_start == "student"));
}

Tensor Uni4d::Decode(const Tensor& known, const Tensor& places, const pretext::TokenSplit& split) {
  const Tensor position = position_(places);
  const Tensor seen = known + pretext::Take(position, split.visible);
  const Tensor asked = pretext::Take(position, split.hidden);
  const Tensor both = at::cat(
      {at::cat({seen, asked + geometry_token_}, 1), at::cat({seen, asked + latent_token_}, 1)});
  return decoder_(both).narrow(1, seen.size(1), asked.size(1));
}

Tensor Uni4d::GeometryLoss(const Tensor& decoded, const StudentInput& input, const Tensor& hidden) {
  const pretext::PointTubes tubes =
      pretext::TubesOf(input, hidden, {options_.neighbours, options_.radius});
  const Tensor wanted =
      options_.relative ? tubes.points - tubes.anchors.unsqueeze(2).unsqueeze(3) : tubes.points;
  return pretext::Chamfer(points_(decoded).view({-1, options_.neighbours, 3}),
                          wanted.flatten(0, 2));
}

Tensor Uni4d::GlobalLoss(const Tensor& known, const Tensor& wanted) {
  const Tensor query = pretext::Unit(global_(known).amax(1));
  keys_ = pretext::Unit(wanted.amax(1));
  const Tensor logits =
      at::cat({(query * keys_).sum(1, true), query.mm(queue_.t())}, 1) / options_.temperature;
  return at::cross_entropy_loss(logits, at::zeros({query.size(0)}, at::kLong));
}

Tensor Uni4d::MotionLoss(const Tensor& known, const Tensor& wanted, std::int64_t frames) {
  if (frames < 3) return at::zeros({}, known.options());
  const std::int64_t clips = known.size(0), steps = frames - 1;
  const Tensor now = known.view({clips, frames, -1, known.size(2)}).amax(2).narrow(1, 0, steps);
  const Tensor next = wanted.view({clips, frames, -1, wanted.size(2)}).amax(2).narrow(1, 1, steps);
  const Tensor guess = motion_down_(at::relu(motion_norm_(motion_up_(now.flatten(0, 1)))));
  const Tensor logits =
      pretext::Unit(guess.view({clips, steps, -1})).bmm(pretext::Unit(next).transpose(1, 2)) /
      options_.temperature;
  return at::cross_entropy_loss(logits.flatten(0, 1), at::arange(steps, at::kLong).repeat({clips}));
}

ObjectiveOutput Uni4d::Step(Student& student, const TrainBatch& batch, const StepContext& context) {
  const StudentInput& input = batch.input;
  const std::int64_t clips = input.frames.size(0);
  const pretext::TokenLayout layout = pretext::LayoutOf(input.frames);
  const pretext::TokenSplit split =
      pretext::HidePerFrame(clips, layout, options_.mask_ratio, context.generator);

  const Tensor tokens = student.Embed(input);
  const Tensor known = in_(pretext::EncodeSome(student, tokens, input, split.visible));
  Tensor wanted;
  {
    const torch::NoGradGuard no_grad;
    teacher_->eval();
    wanted = teacher_->Encode(tokens.detach(), input.centres, input.frames);
  }
  const Tensor decoded = Decode(known, pretext::PlacesOf(input), split);
  const Tensor geometry = GeometryLoss(decoded.narrow(0, 0, clips), input, split.hidden);
  const Tensor predicted = latent_(decoded.narrow(0, clips, clips));
  const Tensor cosine =
      at::cosine_similarity(predicted, pretext::Take(wanted, split.hidden), 2, 1e-8).mean();
  const Tensor global = GlobalLoss(known, wanted);
  const Tensor motion = MotionLoss(known, wanted, layout.frames);

  ObjectiveOutput out;
  out.loss = geometry + (1 - cosine) + global + motion;
  out.predictions = predicted.flatten(0, 1);
  out.monitors["geometry"] = geometry.item<double>();
  out.monitors["cosine"] = cosine.item<double>();
  out.monitors["global"] = global.item<double>();
  out.monitors["motion"] = motion.item<double>();
  out.monitors["target_std"] = pretext::MeanStd(wanted);
  return out;
}

void Uni4d::AfterStep(Student& student, const StepContext& /*context*/) {
  const torch::NoGradGuard no_grad;
  pretext::MoveTeacher(*teacher_, student, options_.momentum);
  if (!keys_.defined()) return;
  // Of a batch larger than the queue the last clips.
  const Tensor keys = keys_.slice(0, std::max<std::int64_t>(0, keys_.size(0) - options_.queue));
  const Tensor rows = (at::arange(keys.size(0), at::kLong) + queue_next_) % options_.queue;
  queue_.index_copy_(0, rows, keys);
  queue_next_.add_(keys.size(0)).remainder_(options_.queue);
  keys_ = Tensor();
}

}  // namespace cross4d::uni4d

CROSS4D_PLUGIN(objective,
               Objective,
               "uni4d",
               "1.0.0",
               "Geometry, latent features, clip and motion contrast of hidden tokens (Uni4D).",
               "",
               "maskable",
               cross4d::uni4d::Uni4d,
               cross4d::uni4d::DescribeOptions)
