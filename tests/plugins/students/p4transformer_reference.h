// SPDX-License-Identifier: Apache-2.0
// P4Transformer written straight down as published, operation by operation: the tests' reference,
// and what the bench measures against. It shares nothing with the student but names of parameters.
#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace cross4d::p4transformer::reference {

using torch::Tensor;

struct Sizes {
  std::int64_t depth = 0, heads = 0;
};

using Weights = std::map<std::string, Tensor>;

inline Weights WeightsOf(const torch::nn::Module& module) {
  Weights weights;
  for (const auto& item : module.named_parameters()) weights[item.key()] = item.value();
  return weights;
}

/// points [B, T, N, 3], anchors [B, L', m] and neighbours [B, L', 3, m, K] int64 ->
/// tokens [B, L', C, m] and their anchors' places [B, L', m, 3]. As the official module, frame by
/// frame.
inline std::pair<Tensor, Tensor> Tubes(const Tensor& points,
                                       const Tensor& anchors,
                                       const Tensor& neighbours,
                                       const Tensor& weight) {
  const std::int64_t b = points.size(0), frames = points.size(1), steps = anchors.size(1);
  const std::int64_t m = anchors.size(2), k = neighbours.size(4);
  const auto gather = [b](const Tensor& cloud, const Tensor& rows) {
    return cloud.gather(1, rows.reshape({b, -1, 1}).expand({-1, -1, 3}));
  };
  std::vector<Tensor> features, places;
  for (std::int64_t l = 0; l < steps; ++l) {
    const Tensor place = gather(points.select(1, 2 * l), anchors.select(1, l));
    std::vector<Tensor> slots;
    for (std::int64_t s = 0; s < 3; ++s) {
      const std::int64_t frame = std::clamp<std::int64_t>(2 * l + s - 1, 0, frames - 1);
      const Tensor rows = neighbours.select(1, l).select(1, s);
      const Tensor near = gather(points.select(1, frame), rows).view({b, m, k, 3});
      const Tensor xyz = (near - place.unsqueeze(2)).permute({0, 3, 1, 2});
      const Tensor t = at::full({b, 1, m, k}, static_cast<double>(s - 1), points.options());
      const Tensor product = at::conv2d(at::cat({xyz, t}, 1), weight);
      slots.push_back(std::get<0>(product.max(3)));
    }
    features.push_back(std::get<0>(at::stack(slots, 1).max(1)));
    places.push_back(place);
  }
  return {at::stack(features, 1), at::stack(places, 1)};
}

inline Tensor Norm(const Tensor& x, const Weights& w, const std::string& name) {
  return at::layer_norm(x, {x.size(2)}, w.at(name + ".weight"), w.at(name + ".bias"));
}

inline Tensor Dense(const Tensor& x, const Weights& w, const std::string& name) {
  return at::linear(x, w.at(name + ".weight"), w.at(name + ".bias"));
}

/// The published attention: scores of all pairs by einsum, kept, softmax, einsum.
inline Tensor Attention(const Tensor& x, const Weights& w, const std::string& at, const Sizes& s) {
  const std::int64_t b = x.size(0), l = x.size(1);
  const std::vector<Tensor> qkv = at::linear(x, w.at(at + ".to_qkv.weight")).chunk(3, 2);
  const auto split = [&](const Tensor& v) {
    return v.view({b, l, s.heads, -1}).permute({0, 2, 1, 3}).contiguous();
  };
  const Tensor q = split(qkv[0]), k = split(qkv[1]), v = split(qkv[2]);
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  const Tensor scores = at::einsum("bhid,bhjd->bhij", {q, k}) * scale;
  const Tensor out = at::einsum("bhij,bhjd->bhid", {scores.softmax(3), v});
  return at::gelu(Dense(out.permute({0, 2, 1, 3}).reshape({b, l, -1}), w, at + ".to_out.0"));
}

inline Tensor Forward(const Tensor& points,
                      const Tensor& anchors,
                      const Tensor& neighbours,
                      const Weights& w,
                      const Sizes& s) {
  const auto [tubes, places] =
      Tubes(points, anchors, neighbours, w.at("tube_embedding.conv_d.0.weight"));
  const std::int64_t b = points.size(0), steps = anchors.size(1), m = anchors.size(2);
  std::vector<Tensor> rows;
  for (std::int64_t l = 0; l < steps; ++l) {
    const Tensor t = at::full({b, m, 1}, static_cast<double>(l + 1), points.options());
    rows.push_back(at::cat({places.select(1, l), t}, 2));
  }
  const Tensor xyzt = at::stack(rows, 1).view({b, steps * m, 4});
  const Tensor position =
      at::conv1d(xyzt.transpose(1, 2), w.at("pos_embedding.weight"), w.at("pos_embedding.bias"));
  Tensor x = tubes.permute({0, 1, 3, 2}).reshape({b, steps * m, -1}) + position.transpose(1, 2);
  for (std::int64_t i = 0; i < s.depth; ++i) {
    const std::string at = "transformer.layers." + std::to_string(i);
    x = x + Attention(Norm(x, w, at + ".0.fn.norm"), w, at + ".0.fn.fn", s);
    const Tensor up = Dense(Norm(x, w, at + ".1.fn.norm"), w, at + ".1.fn.fn.net.0");
    x = x + Dense(at::gelu(up), w, at + ".1.fn.fn.net.3");
  }
  return w.count("norm.weight") > 0 ? Norm(x, w, "norm") : x;
}

}  // namespace cross4d::p4transformer::reference
