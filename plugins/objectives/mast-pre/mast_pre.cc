// SPDX-License-Identifier: Apache-2.0
#include "mast_pre.h"

#include "core/pretext/losses.h"
#include "core/pretext/tokens.h"
#include "core/pretext/tubes.h"

#include <cross4d/sdk/plugin.h>

#include <ATen/ATen.h>

#include "cardinality.h"

namespace cross4d::mast_pre {
namespace {

using torch::Tensor;

constexpr std::int64_t kSlots = 3;  // frames t-1, t, t+1

}  // namespace

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("mask_ratio", &Options::mask_ratio, "Part of a clip's tokens that is hidden.")
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
  t.Add("depth", &Options::depth, "Layers of the decoder.").Range(1, 24);
  t.Add("dim", &Options::dim, "Width of the decoder; its feed-forward part is twice as wide.")
      .Range(1, 4096);
  t.Add("heads", &Options::heads, "Attention heads of the decoder.").Range(1, 64);
  t.Divides("heads", "dim");
  return t;
}

MastPre::MastPre(const Options& options, const PluginContext& /*context*/) : options_(options) {}

void MastPre::Build(const ObjectiveShape& shape, Student& /*student*/) {
  const std::int64_t dim = options_.dim;
  in_ = register_module("entry", torch::nn::Linear(shape.student_dim, dim));
  position_ = register_module("position", torch::nn::Linear(4, dim));
  mask_token_ = register_parameter("mask_token", pretext::MaskToken(dim));
  decoder_ = register_module(
      "decoder",
      pretext::Predictor(pretext::PredictorShape{dim, options_.depth, options_.heads, 2 * dim}));
  points_ = register_module("points", torch::nn::Linear(dim, kSlots * options_.neighbours * 3));
  cardinality_ = register_module("cardinality", torch::nn::Linear(dim, (kSlots - 1) * kBins));
}

ObjectiveOutput MastPre::Step(Student& student,
                              const TrainBatch& batch,
                              const StepContext& context) {
  const StudentInput& input = batch.input;
  const std::int64_t clips = input.frames.size(0);
  // Tokens are hidden wherever they lie, so frames need not have as many of them.
  const pretext::TokenSplit split = pretext::HideAnywhere(
      clips, {1, input.frames.size(1)}, options_.mask_ratio, context.generator);
  const std::int64_t hidden = split.hidden.size(1);

  const Tensor features = pretext::EncodeSome(student, student.Embed(input), input, split.visible);
  const Tensor position = position_(pretext::PlacesOf(input));
  const Tensor known = in_(features) + pretext::Take(position, split.visible);
  const Tensor asked = mask_token_ + pretext::Take(position, split.hidden);
  const Tensor decoded = decoder_(at::cat({known, asked}, 1)).narrow(1, known.size(1), hidden);

  const pretext::PointTubes tubes =
      pretext::TubesOf(input, split.hidden, {options_.neighbours, options_.radius});
  const Tensor wanted =
      options_.relative ? tubes.points - tubes.anchors.unsqueeze(2).unsqueeze(3) : tubes.points;
  const Tensor chamfer =
      pretext::Chamfer(points_(decoded).view({-1, options_.neighbours, 3}), wanted.flatten(0, 2));
  const Tensor change = Histograms(tubes).diff(1, 2);
  const Tensor predicted = cardinality_(decoded).view(change.sizes());
  const Tensor difference = at::smooth_l1_loss(predicted, change);

  ObjectiveOutput out;
  out.loss = chamfer + difference;
  out.predictions = features.flatten(0, 1);
  out.monitors["chamfer"] = chamfer.item<double>();
  out.monitors["cardinality"] = difference.item<double>();
  out.monitors["cosine"] = pretext::MeanCosine(predicted.flatten(2), change.flatten(2));
  return out;
}

}  // namespace cross4d::mast_pre

CROSS4D_PLUGIN(objective,
               Objective,
               "mast-pre",
               "1.0.0",
               "Points around hidden tokens and how they move, from a quarter of them (MaST-Pre).",
               "",
               "maskable",
               cross4d::mast_pre::MastPre,
               cross4d::mast_pre::DescribeOptions)
