// SPDX-License-Identifier: Apache-2.0
#include "simple4d.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>

#include <ATen/ATen.h>
#include <torch/nn/init.h>

#include <sstream>
#include <string>

#include "voxels.h"

namespace cross4d::simple4d {
namespace {

using torch::Tensor;

torch::nn::LayerNorm LayerNormOf(std::int64_t dim) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim}));
}

void CheckClip(const Tensor& points) {
  const bool good = points.defined() && points.dim() == 3 && points.size(2) == 3 &&
                    points.scalar_type() == at::kFloat && points.is_cpu() && points.numel() > 0;
  if (!good) {
    std::ostringstream found;
    if (points.defined()) {
      found << points.sizes() << " " << points.scalar_type() << " on " << points.device();
    } else {
      found << "undefined";
    }
    FailInput("simple4d: points are " + found.str() +
              ", expected [T, N, 3] float32 on the CPU, not empty");
  }
  const Tensor bad = points.isfinite().all(2).logical_not();
  if (!bad.any().item<bool>()) return;
  const std::int64_t at = bad.view({-1}).to(at::kByte).argmax().item<std::int64_t>();
  FailInput("simple4d: a coordinate of frame " + std::to_string(at / points.size(1)) + ", point " +
            std::to_string(at % points.size(1)) + " is not finite");
}

/// In eval mode a clip's features must not depend on its batch, to the last bit; the shape of a
/// product can change its rounding, so clips go through one by one.
template <class Body>
Tensor ByClip(const Tensor& clips, bool together, const Body& body) {
  if (together || clips.size(0) == 1) return body(clips);
  std::vector<Tensor> all;
  for (std::int64_t b = 0; b < clips.size(0); ++b) all.push_back(body(clips.narrow(0, b, 1)));
  return at::cat(all);
}

}  // namespace

LayerImpl::LayerImpl(std::int64_t dim, std::int64_t heads, std::int64_t ffn) : heads_(heads) {
  norm1_ = register_module("norm1", LayerNormOf(dim));
  qkv_ = register_module("qkv", torch::nn::Linear(dim, 3 * dim));
  out_ = register_module("out", torch::nn::Linear(dim, dim));
  norm2_ = register_module("norm2", LayerNormOf(dim));
  up_ = register_module("up", torch::nn::Linear(dim, ffn));
  down_ = register_module("down", torch::nn::Linear(ffn, dim));
}

Tensor LayerImpl::forward(Tensor x) {
  const std::int64_t b = x.size(0), l = x.size(1), c = x.size(2);
  const Tensor qkv = qkv_(norm1_(x)).view({b, l, 3, heads_, c / heads_}).permute({2, 0, 3, 1, 4});
  const Tensor y = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  x = x + out_(y.transpose(1, 2).reshape({b, l, c}));
  return x + down_(at::gelu(up_(norm2_(x))));
}

Simple4d::Simple4d(const Options& options, const PluginContext& /*context*/) : options_(options) {
  CheckOptions(options);
  std::int64_t in = 4;
  for (std::size_t i = 0; i < options.widths.size(); ++i) {
    const std::int64_t width = options.widths[i];
    const auto kernel = torch::nn::Conv3dOptions(in, width, 3).stride(2).padding(1);
    const std::string name = std::to_string(i);
    convolutions_.push_back(register_module("convolution" + name, torch::nn::Conv3d(kernel)));
    norms_.push_back(register_module("norm" + name, torch::nn::GroupNorm(8, width)));
    in = width;
  }
  project_ = register_module("project", torch::nn::Linear(in, options.dim));
  const std::int64_t side = TokensPerSide(options);
  cell_embedding_ =
      register_parameter("cell_embedding", at::zeros({side * side * side, options.dim}));
  time_embedding_ =
      register_parameter("time_embedding", at::zeros({options.time_rows, options.dim}));
  torch::nn::init::normal_(cell_embedding_, 0, 0.02);
  torch::nn::init::normal_(time_embedding_, 0, 0.02);
  for (std::int64_t i = 0; i < options.depth; ++i) {
    layers_.push_back(register_module("layer" + std::to_string(i),
                                      Layer(options.dim, options.heads, options.ffn)));
  }
  final_norm_ = register_module("final_norm", LayerNormOf(options.dim));
}

TokenGeometry Simple4d::Tokenize(const Tensor& points) const {
  CheckClip(points);
  const std::int64_t frames = points.size(0);
  const Tensor cells =
      CellCentres(CubeAround(points.detach()), TokensPerSide(options_)).view({-1, 3});
  TokenGeometry out;
  out.centres = cells.repeat({frames, 1});
  out.frames = at::arange(frames, at::kLong).repeat_interleave(cells.size(0));
  std::vector<Tensor> nearest;
  for (std::int64_t t = 0; t < frames; ++t) {
    const Tensor away = (points[t].unsqueeze(0) - cells.unsqueeze(1)).square().sum(2);
    nearest.push_back(away.argmin(1));
  }
  out.nearest = at::cat(nearest);
  return out;
}

StudentOutput Simple4d::Forward(const StudentInput& input) {
  const Tensor features = ByClip(input.points, is_training(), [&](const Tensor& points) {
    return EncodeTogether(EmbedTogether(points));
  });
  return {features, input.centres, input.frames};
}

Tensor Simple4d::Embed(const StudentInput& input) {
  return ByClip(
      input.points, is_training(), [&](const Tensor& points) { return EmbedTogether(points); });
}

Tensor Simple4d::Encode(const Tensor& tokens, const Tensor& /*centres*/, const Tensor& /*frames*/) {
  return ByClip(tokens, is_training(), [&](const Tensor& some) { return EncodeTogether(some); });
}

Tensor Simple4d::EmbedTogether(const Tensor& points) {
  if (points.dim() != 4 || points.size(3) != 3) FailInput("simple4d: points must be [B, T, N, 3]");
  const std::int64_t b = points.size(0), t = points.size(1);
  if (t > options_.time_rows) {
    FailInput("simple4d: the clip has " + std::to_string(t) + " frames, but time_rows = " +
              std::to_string(options_.time_rows) + "; raise time_rows");
  }
  Tensor x = Voxels(points, options_.grid);
  for (std::size_t i = 0; i < convolutions_.size(); ++i) x = norms_[i](convolutions_[i](x)).relu();
  x = project_(x.flatten(2).transpose(1, 2)).view({b, t, -1, options_.dim});
  x = x + cell_embedding_ + time_embedding_.narrow(0, 0, t).unsqueeze(1);
  return x.view({b, -1, options_.dim});
}

Tensor Simple4d::EncodeTogether(Tensor x) {
  for (Layer& layer : layers_) x = layer(x);
  return final_norm_(x);
}

}  // namespace cross4d::simple4d

CROSS4D_PLUGIN(student,
               Student,
               "simple4d",
               "1.0.0",
               "Voxel grids, three convolutions and a small transformer (Simple4D).",
               "tokens,maskable",
               "",
               cross4d::simple4d::Simple4d,
               cross4d::simple4d::DescribeOptions)
