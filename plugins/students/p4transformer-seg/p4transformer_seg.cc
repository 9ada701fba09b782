// SPDX-License-Identifier: Apache-2.0
#include "p4transformer_seg.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>

#include <ATen/ATen.h>

#include <array>
#include <string>

#include "clip.h"
#include "load_weights.h"
#include "transformer.h"

namespace cross4d::p4transformer_seg {
namespace {

using p4transformer::Extra;
using torch::Tensor;

/// Channels of the transposed convolutions, times the option width.
constexpr std::array<std::int64_t, 4> kUp = {4, 4, 8, 8};

/// anchors [B, T, m] of places [T, B, n, 3] -> [T, B, m, 3].
Tensor PlacesOf(const Tensor& anchors, const Tensor& places) {
  const Tensor rows = anchors.transpose(0, 1).to(at::kLong).unsqueeze(3);
  return places.gather(2, rows.expand({-1, -1, -1, 3}));
}

}  // namespace

P4TransformerSeg::P4TransformerSeg(const Options& options, const PluginContext& /*context*/)
    : options_(options) {
  const std::int64_t width = options.width;
  std::vector<std::int64_t> channels = {3};  // a point's first features are its coordinates
  for (std::size_t l = 0; l < kLevels.size(); ++l) {
    const std::string path = "conv" + std::to_string(l + 1);
    down_.emplace_back(*this, path, kLevels[l], channels[l], width);
    channels.push_back(down_[l].channels());
  }
  const p4transformer::TransformerSizes sizes{channels.back(),
                                              options.depth,
                                              options.heads,
                                              options.dim_head,
                                              options.mlp,
                                              options.dropout};
  transformer_ = std::make_unique<p4transformer::Transformer>(*this, sizes);
  for (std::size_t l = 0; l < kLevels.size(); ++l) {
    const std::int64_t in = l + 1 < kUp.size() ? kUp[l + 1] * width : channels.back();
    up_.emplace_back(*this, "deconv" + std::to_string(l + 1), in, channels[l], kUp[l] * width);
  }
  if (options.weights.empty()) return;
  p4transformer::LoadOfficialWeights(*this, options.weights, "conv1.conv_d.0.weight", "outconv.");
}

P4TransformerSeg::~P4TransformerSeg() = default;

TokenGeometry P4TransformerSeg::Tokenize(const Tensor& points) const {
  return TokenizeClip(points, options_);
}

StudentOutput P4TransformerSeg::Forward(const StudentInput& input) {
  if (input.points.dim() != 4 || input.points.size(3) != 3) {
    FailInput("p4transformer-seg: points must be [B, T, N, 3]");
  }
  const std::int64_t clips = is_training() ? 1 : input.points.size(0);
  const Tensor features = p4transformer::ByClip(clips, [&](std::int64_t clip) {
    return EncodeTogether(clip < 0 ? input : p4transformer::OneClip(input, clip));
  });
  return {features, input.centres, input.frames};
}

Tensor P4TransformerSeg::Mix(const Tensor& features) {
  const std::int64_t t = features.size(0), b = features.size(1), m = features.size(2);
  const Tensor tokens = features.transpose(0, 1).reshape({b, t * m, features.size(3)});
  return (*transformer_)(tokens).view({b, t, m, -1}).transpose(0, 1).contiguous();
}

Tensor P4TransformerSeg::EncodeTogether(const StudentInput& input) {
  const Tensor points = p4transformer::PrepareClips(input.points, options_.normalize);
  const Tensor places = points.transpose(0, 1).contiguous();
  std::vector<Points> levels = {{places, places}};
  for (std::size_t l = 0; l < down_.size(); ++l) {
    const std::string number = std::to_string(l + 1);
    const Points& below = levels[l];
    const Tensor anchors = PlacesOf(Extra(input, "anchors" + number), below.places);
    const Tensor& near = Extra(input, "neighbours" + number);
    levels.push_back({anchors, down_[l](below, anchors, near, is_training())});
  }
  levels.back().features = Mix(levels.back().features);
  for (std::size_t l = down_.size(); l-- > 0;) {
    const Tensor& nearest = Extra(input, "nearest" + std::to_string(l + 1));
    levels[l].features = up_[l](levels[l + 1], levels[l], nearest, is_training());
  }
  const Tensor& out = levels[0].features;
  return out.transpose(0, 1).reshape({out.size(1), out.size(0) * out.size(2), out.size(3)});
}

}  // namespace cross4d::p4transformer_seg

CROSS4D_PLUGIN(student,
               Student,
               "p4transformer-seg",
               "1.0.0",
               "P4Transformer's segmentation form: a feature for every point of every frame.",
               "tokens",
               "",
               cross4d::p4transformer_seg::P4TransformerSeg,
               cross4d::p4transformer_seg::DescribeOptions)
