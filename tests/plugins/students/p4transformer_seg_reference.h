// SPDX-License-Identifier: Apache-2.0
// P4Transformer's segmentation form written straight down as published: one frame after the other,
// 1 x 1 convolutions of grouped tensors, BatchNorm called for each. It shares nothing with the
// student but names of parameters, and finds its anchors and neighbours by itself.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/plugins/students/p4transformer_reference.h"

namespace cross4d::p4transformer_seg::reference {

using p4transformer::reference::Weights;
using torch::Tensor;

struct Sizes {
  double radius = 0;
  std::int64_t neighbours = 0, depth = 0, heads = 0;
  bool training = false;
};

/// Parameters, and copies of the statistics that the reference updates by itself.
inline Weights StateOf(const torch::nn::Module& module) {
  Weights state;
  for (const auto& item : module.named_parameters()) state[item.key()] = item.value();
  for (const auto& item : module.named_buffers()) state[item.key()] = item.value().clone();
  return state;
}

/// ReLU(BatchNorm(conv(x))), as the entries number, number + 1, number + 2 of a Sequential.
inline Tensor Layer(
    const Tensor& x, Weights& w, const std::string& path, int number, const Sizes& s) {
  const std::string norm = path + "." + std::to_string(number + 1);
  const Tensor& weight = w.at(path + "." + std::to_string(number) + ".weight");
  const Tensor product = weight.dim() == 4 ? at::conv2d(x, weight) : at::conv1d(x, weight);
  return at::batch_norm(product,
                        w.at(norm + ".weight"),
                        w.at(norm + ".bias"),
                        w.at(norm + ".running_mean"),
                        w.at(norm + ".running_var"),
                        s.training,
                        0.1,
                        1e-5,
                        false)
      .relu();
}

/// cloud [n, 3] -> m indices: point 0, then always the farthest from all so far.
inline std::vector<std::int64_t> Farthest(const Tensor& cloud, std::int64_t m) {
  std::vector<std::int64_t> picked = {0};
  Tensor least = at::full({cloud.size(0)}, 1e10, cloud.options());
  while (static_cast<std::int64_t>(picked.size()) < m) {
    least = at::minimum(least, (cloud - cloud[picked.back()]).square().sum(1));
    picked.push_back(least.argmax().item<std::int64_t>());
  }
  return picked;
}

/// The first k points of `cloud` within the radius of each centre, as the official kernel.
inline Tensor Ball(const Tensor& cloud, const Tensor& centres, double radius, std::int64_t k) {
  const Tensor rows = at::zeros({centres.size(0), k}, at::kLong);
  for (std::int64_t q = 0; q < centres.size(0); ++q) {
    std::int64_t found = 0;
    for (std::int64_t i = 0; i < cloud.size(0) && found < k; ++i) {
      if ((cloud[i] - centres[q]).square().sum().item<double>() >= radius * radius) continue;
      if (found == 0) rows[q].fill_(i);
      rows[q][found++] = i;
    }
  }
  return rows;
}

/// places [B, T, n, 3], features [B, T, C, n].
struct Clip {
  Tensor places, features;
};

/// values [B, C, n] at rows [B, m, k] -> [B, C, m, k].
inline Tensor Group(const Tensor& values, const Tensor& rows) {
  const std::int64_t b = rows.size(0), m = rows.size(1), k = rows.size(2);
  const Tensor flat = rows.view({b, 1, m * k}).expand({-1, values.size(1), -1});
  return values.gather(2, flat).view({b, -1, m, k});
}

inline Clip Down(const Clip& in,
                 Weights& w,
                 const std::string& path,
                 std::int64_t stride,
                 std::int64_t seen,
                 double radius,
                 const Sizes& s) {
  const std::int64_t b = in.places.size(0), frames = in.places.size(1);
  const std::int64_t m = in.places.size(2) / stride;
  std::vector<Tensor> places, features;
  for (std::int64_t t = 0; t < frames; ++t) {
    std::vector<Tensor> anchors;
    for (std::int64_t i = 0; i < b; ++i)
      anchors.push_back(in.places[i][t].index_select(0, at::tensor(Farthest(in.places[i][t], m))));
    const Tensor anchor = at::stack(anchors);  // [B, m, 3]
    std::vector<Tensor> slots;
    for (std::int64_t d = -(seen / 2); d <= seen / 2; ++d) {
      const std::int64_t f = std::clamp<std::int64_t>(t + d, 0, frames - 1);
      std::vector<Tensor> rows;
      for (std::int64_t i = 0; i < b; ++i)
        rows.push_back(Ball(in.places[i][f], anchor[i], radius, s.neighbours));
      const Tensor near = at::stack(rows);
      const Tensor xyz =
          Group(in.places.select(1, f).transpose(1, 2), near) - anchor.transpose(1, 2).unsqueeze(3);
      const Tensor time = at::full_like(xyz.narrow(1, 0, 1), static_cast<double>(d));
      Tensor x = Layer(at::cat({xyz, time}, 1), w, path + ".conv_d", 0, s);
      x = Layer(Group(in.features.select(1, f), near), w, path + ".conv_f", 0, s) + x;
      x = Layer(x, w, path + ".mlp", 0, s);
      x = Layer(x, w, path + ".mlp", 3, s);
      slots.push_back(std::get<0>(x.max(3)));
    }
    places.push_back(anchor);
    features.push_back(at::stack(slots, 1).sum(1));
  }
  return {at::stack(places, 1), at::stack(features, 1)};
}

inline Clip Up(
    const Clip& above, const Clip& below, Weights& w, const std::string& path, const Sizes& s) {
  std::vector<Tensor> features;
  for (std::int64_t t = 0; t < below.places.size(1); ++t) {
    const Tensor far = at::cdist(below.places.select(1, t).contiguous(),
                                 above.places.select(1, t).contiguous(),
                                 2,
                                 2);  // not by products: exact zeros
    const auto [distance, rows] = far.topk(std::min<std::int64_t>(3, far.size(2)), 2, false);
    const Tensor near = 1 / (distance + 1e-8);
    const Tensor weight = near / near.sum(2, true);
    const Tensor mixed = (Group(above.features.select(1, t), rows) * weight.unsqueeze(1)).sum(3);
    Tensor x = at::cat({mixed, below.features.select(1, t)}, 1);
    x = Layer(x, w, path + ".conv", 0, s);
    features.push_back(Layer(x, w, path + ".conv", 3, s));
  }
  return {below.places, at::stack(features, 1)};
}

inline Tensor Transformer(Tensor x, const Weights& w, const Sizes& s) {
  using namespace p4transformer::reference;
  for (std::int64_t i = 0; i < s.depth; ++i) {
    const std::string at = "transformer.layers." + std::to_string(i);
    x = x + Attention(Norm(x, w, at + ".0.fn.norm"), w, at + ".0.fn.fn", {s.depth, s.heads});
    const Tensor up = Dense(Norm(x, w, at + ".1.fn.norm"), w, at + ".1.fn.fn.net.0");
    x = x + Dense(at::gelu(up), w, at + ".1.fn.fn.net.3");
  }
  return x;
}

/// points [B, T, N, 3] -> [B, T * N, C]. Updates the statistics in `w` in training.
inline Tensor Forward(const Tensor& points, Weights& w, const Sizes& s) {
  const Clip in{points, points.transpose(2, 3)};
  const Clip one = Down(in, w, "conv1", 4, 1, s.radius, s);
  const Clip two = Down(one, w, "conv2", 4, 1, 2 * s.radius, s);
  const Clip three = Down(two, w, "conv3", 4, 3, 4 * s.radius, s);
  Clip four = Down(three, w, "conv4", 2, 1, 8 * s.radius, s);
  const std::int64_t b = points.size(0), t = points.size(1), m = four.places.size(2);
  const Tensor tokens = four.features.permute({0, 1, 3, 2}).reshape({b, t * m, -1}).relu();
  four.features = Transformer(tokens, w, s).view({b, t, m, -1}).permute({0, 1, 3, 2});
  const Clip up4 = Up(four, three, w, "deconv4", s);
  const Clip up3 = Up(up4, two, w, "deconv3", s);
  const Clip up2 = Up(up3, one, w, "deconv2", s);
  const Clip up1 = Up(up2, in, w, "deconv1", s);
  return up1.features.permute({0, 1, 3, 2}).reshape({b, t * points.size(2), -1});
}

}  // namespace cross4d::p4transformer_seg::reference
