// SPDX-License-Identifier: Apache-2.0
#include "forecasting.h"

#include "core/pretext/losses.h"
#include "core/pretext/tokens.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>

#include <ATen/ATen.h>

#include <string>

namespace cross4d::forecasting {
namespace {

using torch::Tensor;

void SetConsistency(Options& o) { o.rollout = false; }

void SetField(Options& o) {
  o.rollout = false;
  o.consistency = false;
}

void SetDirect(Options& o) {
  SetField(o);
  o.field = false;
}

void SetCoTemporal(Options& o) {
  SetField(o);
  o.horizon = 0;
}

/// Tokens of frames 0 to t of every clip: [B, P] indices.
Tensor TokensUpTo(const Tensor& frames, std::int64_t t) {
  const Tensor index = (frames[0] <= t).nonzero().squeeze(1);
  if (index.numel() == 0) {
    FailInput("forecasting: the student has no token in frames 0 to " + std::to_string(t));
  }
  return index.unsqueeze(0).expand({frames.size(0), index.numel()});
}

}  // namespace

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("field", &Options::field, "Predict through a latent field that no camera decides.");
  t.Add("rollout", &Options::rollout, "Move the field on by a GRU, one step per frame.");
  t.Add("consistency",
        &Options::consistency,
        "Fields made of what two cameras see must agree; needs targets.cameras 2 or 4.");
  t.Add("horizon", &Options::horizon, "How far ahead the predicted frame is; 0: the same frame.")
      .Unit("frames")
      .Range(0, 1024);
  t.Add("dim", &Options::dim, "Width of the field and of the predictor.").Range(1, 4096);
  t.Add("camera_dim", &Options::camera_dim, "Width of a camera's embedding.").Range(1, 1024);
  t.Preset("full", "Field, rollout and consistency.", [](Options&) {});
  t.Preset("consistency", "Field and consistency, no rollout.", SetConsistency);
  t.Preset("direct", "A predictor without a field.", SetDirect);
  t.Preset("field", "Field alone.", SetField);
  t.Preset("co-temporal", "Field alone, of the same frame.", SetCoTemporal);
  return t;
}

Forecasting::Forecasting(const Options& options, const PluginContext& /*context*/)
    : options_(options) {
  if (options.field || (!options.rollout && !options.consistency)) return;
  FailInput(
      "forecasting: rollout and consistency work on the field; set field = true, or both to "
      "false (preset \"direct\")");
}

void Forecasting::Build(const ObjectiveShape& shape, Student& /*student*/) {
  frames_ = shape.frames;
  views_ = shape.views;
  if (frames_ <= options_.horizon) {
    FailInput("forecasting: clips have " + std::to_string(frames_) +
              " frames, and horizon = " + std::to_string(options_.horizon) +
              " looks beyond them; lower it, or take longer clips");
  }
  if (options_.consistency && views_ < 2) {
    FailInput("forecasting: consistency compares two cameras, and the targets have " +
              std::to_string(views_) + "; set targets.cameras = 2, or consistency = false");
  }
  const std::int64_t known = 2 * shape.student_dim, dim = options_.dim;
  const auto linear = [this](const char* name, std::int64_t from, std::int64_t to) {
    return register_module(name, torch::nn::Linear(from, to));
  };
  if (options_.field) {
    field_in_ = linear("field_in", known, dim);
    field_out_ = linear("field_out", dim, dim);
  }
  if (options_.rollout && options_.horizon > 0) {
    gru_ = register_module("gru", torch::nn::GRUCell(dim, dim));
  }
  camera_ = register_module("camera_embedding", torch::nn::Embedding(views_, options_.camera_dim));
  decoder_in_ = linear("decoder_in", (options_.field ? dim : known) + options_.camera_dim, dim);
  decoder_out_ = linear("decoder_out", dim, shape.target_dim);
}

Tensor Forecasting::Summary(const Tensor& features, const Tensor& weight, std::int64_t last) {
  const std::int64_t first = features.size(1) - last;
  const auto mean = [](const Tensor& x, const Tensor& w) {
    return w.bmm(x) / w.sum(2, true).clamp_min(1);
  };
  const Tensor end = weight.narrow(2, first, last);
  const Tensor all = mean(features, weight), now = mean(features.narrow(1, first, last), end);
  return at::cat({all, at::where(end.sum(2, true) > 0, now, all)}, 2);
}

Tensor Forecasting::Field(const Tensor& summary) {
  return field_out_(at::gelu(field_in_(summary)));
}

Tensor Forecasting::Decode(const Tensor& state) {
  const std::int64_t clips = state.size(0);
  const Tensor camera = camera_(at::arange(views_, at::kLong)).unsqueeze(0).expand({clips, -1, -1});
  const Tensor both = at::cat({state.unsqueeze(1).expand({-1, views_, -1}), camera}, 2);
  return decoder_out_(at::gelu(decoder_in_(both)));
}

Tensor Forecasting::Disagreement(const Tensor& features, const Tensor& visible, std::int64_t last) {
  const Tensor weight = visible.to(at::kFloat);  // [B, V, P]
  const Tensor some = weight.sum(2) > 0;         // [B, V]
  const Tensor fields = Field(Summary(features, weight, last));
  Tensor sum = at::zeros({}, features.options()), count = at::zeros({}, features.options());
  for (std::int64_t a = 0; a < views_; ++a) {
    for (std::int64_t b = a + 1; b < views_; ++b) {
      const Tensor both = (some.select(1, a) & some.select(1, b)).to(at::kFloat);
      const Tensor cosine =
          at::cosine_similarity(fields.select(1, a), fields.select(1, b), 1, 1e-8);
      sum = sum + ((1 - cosine) * both).sum();
      count = count + both.sum();
    }
  }
  return sum / count.clamp_min(1);
}

ObjectiveOutput Forecasting::Step(Student& student,
                                  const TrainBatch& batch,
                                  const StepContext& context) {
  const StudentInput& input = batch.input;
  const std::int64_t per_frame = pretext::LayoutOf(input.frames).per_frame;
  // At least half of the frames before the predicted one are known.
  const std::int64_t latest = frames_ - 1 - options_.horizon, earliest = latest / 2;
  const std::int64_t t =
      earliest +
      static_cast<std::int64_t>(pretext::StreamOf(context.generator)
                                    .Below(static_cast<std::uint64_t>(latest - earliest + 1)));
  const Tensor past = TokensUpTo(input.frames, t);
  const Tensor features = pretext::EncodeSome(student, student.Embed(input), input, past);

  const Tensor every = at::ones({past.size(0), 1, past.size(1)}, at::kFloat);
  const Tensor summary = Summary(features, every, per_frame).squeeze(1);
  Tensor state = options_.field ? Field(summary) : summary;
  if (gru_) {
    for (std::int64_t step = 0; step < options_.horizon; ++step) state = gru_(state, state);
  }
  const Tensor predicted = Decode(state);
  const Tensor wanted = batch.frame_targets.select(2, t + options_.horizon);
  const Tensor cosine = at::cosine_similarity(predicted, wanted, 2, 1e-8).mean();

  ObjectiveOutput out;
  out.loss = 1 - cosine;
  out.predictions = predicted.flatten(0, 1);
  out.monitors["cosine"] = cosine.item<double>();
  out.monitors["target_std"] = pretext::MeanStd(wanted);
  if (options_.consistency) {
    const Tensor visible = batch.view_visible.gather(2, past.unsqueeze(1).expand({-1, views_, -1}));
    const Tensor disagreement = Disagreement(features, visible, per_frame);
    out.loss = out.loss + disagreement;
    out.monitors["consistency"] = 1 - disagreement.item<double>();
  }
  return out;
}

}  // namespace cross4d::forecasting

CROSS4D_PLUGIN(objective,
               Objective,
               "forecasting",
               "1.0.0",
               "The teacher's embedding of a later frame, per camera (paper, Table 19).",
               "",
               "maskable,frame-targets",
               cross4d::forecasting::Forecasting,
               cross4d::forecasting::DescribeOptions)
