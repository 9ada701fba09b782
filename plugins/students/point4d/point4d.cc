// SPDX-License-Identifier: Apache-2.0
#include "point4d.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>

#include <ATen/ATen.h>
#include <torch/nn/init.h>

#include <string>

#include "tokenizer.h"

namespace cross4d::point4d {
namespace {

using torch::Tensor;

/// Centred on the clip's centroid over all frames and divided by the greatest radius: [B, T, N, 3].
Tensor NormalizeClips(const Tensor& points) {
  const Tensor centred = points - points.mean({1, 2}, true);
  const Tensor radius = centred.square().sum(3).amax({1, 2}).sqrt_();
  return centred / radius.clamp_min(1e-12).view({-1, 1, 1, 1});
}

/// Indices within frames, [B, T, ...], as rows of all frames one under another, int32.
Tensor FlatRows(const Tensor& indices, std::int64_t points_per_frame) {
  const std::int64_t clouds = indices.size(0) * indices.size(1);
  const Tensor flat = indices.to(at::kInt).reshape({clouds, -1});
  const Tensor base = at::arange(clouds, flat.options()).mul_(points_per_frame).unsqueeze(1);
  return (flat + base).view({-1});
}

const Tensor& Extra(const StudentInput& input, const char* name) {
  const auto found = input.extra.find(name);
  if (found == input.extra.end()) {
    FailInput("point4d: the batch has no '" + std::string(name) +
              "'; it must come from this student's Tokenize");
  }
  return found->second;
}

StudentInput OneClip(const StudentInput& input, std::int64_t clip) {
  StudentInput one{input.points.narrow(0, clip, 1),
                   input.centres.narrow(0, clip, 1),
                   input.frames.narrow(0, clip, 1),
                   {}};
  for (const auto& [name, tensor] : input.extra) one.extra[name] = tensor.narrow(0, clip, 1);
  return one;
}

/// In eval mode a clip's features must not depend on its batch, to the last bit; the shape of a
/// matrix product can change its rounding, so clips go through one by one: body(clip). body(-1) is
/// all of them at once, where that is the same or makes no difference.
template <class Body>
Tensor ByClip(std::int64_t clips, const Body& body) {
  if (clips == 1) return body(-1);
  std::vector<Tensor> all;
  for (std::int64_t clip = 0; clip < clips; ++clip) all.push_back(body(clip));
  return at::cat(all);
}

}  // namespace

Point4d::Point4d(const Options& options, const PluginContext& /*context*/) : options_(options) {
  CheckOptions(options);
  const std::int64_t dim = options.dim;
  first_ = register_module(
      "sa1",
      SetAbstraction(SetAbstractionShape{
          0, options.relative_scale[0], options.absolute_xyz, options.widths1, options.fused}));
  second_ = register_module("sa2",
                            SetAbstraction(SetAbstractionShape{options.widths1.back(),
                                                               options.relative_scale[1],
                                                               false,
                                                               options.widths2,
                                                               options.fused}));
  if (options.widths2.back() != dim) {
    project_ = register_module("project", torch::nn::Linear(options.widths2.back(), dim));
  }
  const bool with_time = options.position == "xyzt";
  position_in_ =
      register_module("position_in", torch::nn::Linear(with_time ? 4 : 3, options.position_width));
  position_out_ = register_module("position_out", torch::nn::Linear(options.position_width, dim));
  if (!with_time) {
    time_embedding_ =
        register_parameter("time_embedding", at::zeros({options.time_rows, dim}, at::kFloat));
    torch::nn::init::normal_(time_embedding_, 0, 0.02);
  }
  for (std::int64_t i = 0; i < options.depth; ++i) {
    const BlockShape shape = {
        dim, options.heads, options.ffn, options.attention == "divided", options.fused};
    blocks_.push_back(register_module("block" + std::to_string(i), Block(shape)));
  }
  if (options.final_norm) {
    final_norm_ =
        register_module("final_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim})));
  }
}

TokenGeometry Point4d::Tokenize(const Tensor& points) const {
  return TokenizeClip(points, options_.centroids, options_.k);
}

StudentOutput Point4d::Forward(const StudentInput& input) {
  const Tensor features = ByClip(is_training() ? 1 : input.points.size(0), [&](std::int64_t clip) {
    const StudentInput one = clip < 0 ? input : OneClip(input, clip);
    return EncodeTogether(EmbedTogether(one), one.frames);
  });
  return {features, input.centres, input.frames};
}

Tensor Point4d::Embed(const StudentInput& input) {
  return ByClip(is_training() ? 1 : input.points.size(0), [&](std::int64_t clip) {
    return EmbedTogether(clip < 0 ? input : OneClip(input, clip));
  });
}

Tensor Point4d::Encode(const Tensor& tokens, const Tensor& /*centres*/, const Tensor& frames) {
  return ByClip(is_training() ? 1 : tokens.size(0), [&](std::int64_t clip) {
    if (clip < 0) return EncodeTogether(tokens, frames);
    return EncodeTogether(tokens.narrow(0, clip, 1), frames.narrow(0, clip, 1));
  });
}

Tensor Point4d::EmbedTogether(const StudentInput& input) {
  CheckFrames(input.points);
  const Tensor points = options_.normalize ? NormalizeClips(input.points) : input.points;
  const std::int64_t b = points.size(0), t = points.size(1), n = points.size(2);
  const std::int64_t m1 = options_.centroids[0], m2 = options_.centroids[1];

  Grouping first;
  first.xyz = points.reshape({b * t * n, 3});
  first.picks = FlatRows(Extra(input, "picks1"), n);
  first.neighbours = FlatRows(Extra(input, "neighbours1"), n).view({-1, options_.k[0]});
  first.groups_per_clip = t * m1;

  Grouping second;
  second.features = first_(first);
  second.xyz = first.xyz.index_select(0, first.picks);
  second.picks = FlatRows(Extra(input, "picks2"), m1);
  second.neighbours = FlatRows(Extra(input, "neighbours2"), m1).view({-1, options_.k[1]});
  second.groups_per_clip = t * m2;
  Tensor x = second_(second);
  if (project_) x = project_(x);

  const Tensor centres = second.xyz.index_select(0, second.picks).view({b, t, m2, 3});
  return x.view({b, t * m2, -1}) + Position(centres);
}

Tensor Point4d::EncodeTogether(Tensor x, const Tensor& frames) {
  const bool divided = options_.attention == "divided";
  const TokenLayout layout = divided ? LayOut(frames, options_.centroids[1]) : TokenLayout();
  for (Block& block : blocks_) x = block(x, layout);
  return final_norm_ ? final_norm_(x) : x;
}

void Point4d::CheckFrames(const Tensor& points) const {
  if (points.dim() != 4 || points.size(3) != 3) FailInput("point4d: points must be [B, T, N, 3]");
  if (!time_embedding_.defined() || points.size(1) <= options_.time_rows) return;
  FailInput("point4d: the clip has " + std::to_string(points.size(1)) +
            " frames, but time_rows = " + std::to_string(options_.time_rows) + "; raise time_rows");
}

Tensor Point4d::Position(const Tensor& centres) {
  const std::int64_t b = centres.size(0), t = centres.size(1), m = centres.size(2);
  Tensor in = centres;
  if (!time_embedding_.defined()) {
    // Time runs from -1 to 1 over the clip, like the coordinates.
    const Tensor time =
        t > 1 ? at::linspace(-1, 1, t, centres.options()) : at::zeros({1}, centres.options());
    in = at::cat({centres, time.view({1, t, 1, 1}).expand({b, t, m, 1})}, 3);
  }
  Tensor out = position_out_(at::gelu(position_in_(in)));
  if (time_embedding_.defined()) out = out + time_embedding_.narrow(0, 0, t).view({1, t, 1, -1});
  return out.view({b, t * m, -1});
}

}  // namespace cross4d::point4d

CROSS4D_PLUGIN(student,
               Student,
               "point4d",
               "1.0.0",
               "Per-frame set abstractions and a transformer over all tokens (Point4D).",
               "tokens,maskable",
               "",
               cross4d::point4d::Point4d,
               cross4d::point4d::DescribeOptions)
