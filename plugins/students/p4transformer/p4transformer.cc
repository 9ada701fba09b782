// SPDX-License-Identifier: Apache-2.0
#include "p4transformer.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>

#include <ATen/ATen.h>

#include <string>

#include "clip.h"
#include "load_weights.h"
#include "tokenizer.h"
#include "tube_convolution.h"

namespace cross4d::p4transformer {
namespace {

using torch::Tensor;

/// Rows of [B * T * N] points for indices [B, L', 3, ...] within the windows' frames.
Tensor WindowRows(const Tensor& indices, const Tensor& windows, const Tensor& points) {
  const std::int64_t b = points.size(0), t = points.size(1), n = points.size(2);
  const Tensor clips = at::arange(b, at::kLong).mul_(t).view({b, 1, 1});
  Tensor base = (clips + windows).mul_(n);  // [B, L', 3]
  while (base.dim() < indices.dim()) base = base.unsqueeze(-1);
  return indices.to(at::kLong) + base;
}

}  // namespace

P4Transformer::P4Transformer(const Options& options, const PluginContext& /*context*/)
    : options_(options) {
  const auto kernel = torch::nn::Conv2dOptions(4, options.dim, 1).bias(false);
  tube_ = ModuleAt(*this, "tube_embedding.conv_d").register_module("0", torch::nn::Conv2d(kernel));
  position_ = register_module("pos_embedding", torch::nn::Conv1d(4, options.dim, 1));
  transformer_ = std::make_unique<Transformer>(*this,
                                               TransformerSizes{options.dim,
                                                                options.depth,
                                                                options.heads,
                                                                options.dim_head,
                                                                options.mlp,
                                                                options.dropout});
  if (options.final_layer_norm) {
    final_norm_ =
        register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({options.dim})));
  }
  if (!options.weights.empty()) {
    LoadOfficialWeights(*this, options.weights, "tube_embedding.conv_d.0.weight", "mlp_head.");
  }
}

TokenGeometry P4Transformer::Tokenize(const Tensor& points) const {
  return TokenizeClip(points, options_);
}

StudentOutput P4Transformer::Forward(const StudentInput& input) {
  const Tensor features = ByClip(is_training() ? 1 : input.points.size(0), [&](std::int64_t clip) {
    return EncodeTogether(EmbedTogether(clip < 0 ? input : OneClip(input, clip)));
  });
  return {features, input.centres, input.frames};
}

Tensor P4Transformer::Embed(const StudentInput& input) {
  return ByClip(is_training() ? 1 : input.points.size(0), [&](std::int64_t clip) {
    return EmbedTogether(clip < 0 ? input : OneClip(input, clip));
  });
}

Tensor P4Transformer::Encode(const Tensor& tokens,
                             const Tensor& /*centres*/,
                             const Tensor& /*frames*/) {
  return ByClip(is_training() ? 1 : tokens.size(0), [&](std::int64_t clip) {
    return EncodeTogether(clip < 0 ? tokens : tokens.narrow(0, clip, 1));
  });
}

Tensor P4Transformer::EmbedTogether(const StudentInput& input) {
  if (input.points.dim() != 4 || input.points.size(3) != 3) {
    FailInput("p4transformer: points must be [B, T, N, 3]");
  }
  const Tensor points = PrepareClips(input.points, options_.normalize);
  const Tensor windows = WindowFrames(points.size(1));
  const Tensor &picks = Extra(input, "anchors"), &near = Extra(input, "neighbours");
  const std::int64_t b = near.size(0), steps = near.size(1), m = near.size(3), k = near.size(4);

  const Tensor flat = points.reshape({-1, 3});
  const Tensor own = WindowRows(picks.unsqueeze(2), windows.narrow(1, 1, 1), points);
  const Tensor anchors = flat.index_select(0, own.view({-1})).view({b, steps, 1, m, 1, 3});
  const Tensor rows = WindowRows(near, windows, points);
  const Tensor found = flat.index_select(0, rows.view({-1})).view({b, steps, kWindow, m, k, 3});
  // A group's neighbours of all three frames side by side: [B, L', m, 3, K, 4].
  const Tensor displacements = at::empty({b, steps, m, kWindow, k, 4}, flat.options());
  displacements.narrow(5, 0, 3).copy_((found - anchors).transpose(2, 3));
  displacements.select(5, 3).copy_(
      at::arange(-1, kWindow - 1, flat.options()).view({1, 1, 1, kWindow, 1}));

  const Tensor weight = tube_->weight.view({options_.dim, 4});
  const Tensor groups = displacements.view({b * steps * m, kWindow * k, 4});
  const bool fused = options_.fused && groups.is_cpu();
  const Tensor x = fused ? TubeConvolution(groups, weight) : TubeConvolutionPlain(groups, weight);

  // Positions count anchor frames from 1, in no unit of time.
  const Tensor time = at::arange(1, steps + 1, flat.options()).view({1, steps, 1, 1});
  const Tensor place = at::cat({anchors.view({b, steps, m, 3}), time.expand({b, steps, m, 1})}, 3);
  const Tensor position =
      at::linear(place.view({b, steps * m, 4}), position_->weight.squeeze(2), position_->bias);
  return x.view({b, steps * m, options_.dim}) + position;
}

Tensor P4Transformer::EncodeTogether(const Tensor& tokens) {
  const Tensor x = (*transformer_)(tokens);
  return final_norm_ ? final_norm_(x) : x;
}

}  // namespace cross4d::p4transformer

CROSS4D_PLUGIN(student,
               Student,
               "p4transformer",
               "1.0.0",
               "One point 4D convolution and a transformer over its tokens (P4Transformer).",
               "tokens,maskable",
               "",
               cross4d::p4transformer::P4Transformer,
               cross4d::p4transformer::DescribeOptions)
