// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "layer.h"
#include "levels.h"

namespace cross4d::p4transformer_seg {

/// Points of all frames with their features, frames first: places [T, B, n, 3], features
/// [T, B, n, C].
struct Points {
  torch::Tensor places, features;
};

/// Point 4D convolution with features: for each neighbour, a layer of the displacement (x, y, z, t)
/// plus a layer of its features, and two more layers; then the greatest over the neighbours, and
/// the sum over the frames seen. In training the statistics are those of one frame and slot at a
/// time, as the official code calls its layers; nothing of the [groups, neighbours, channels]
/// tensors is kept for the gradient.
class PointConvolution {
 public:
  PointConvolution(torch::nn::Module& root,
                   const std::string& path,
                   const LevelSizes& level,
                   std::int64_t in,
                   std::int64_t width);
  /// anchors [T, B, m, 3], neighbours [B, T, S, m, K] -> features [T, B, m, C'].
  torch::Tensor operator()(const Points& below,
                           const torch::Tensor& anchors,
                           const torch::Tensor& neighbours,
                           bool training) const;
  std::int64_t channels() const { return channels_; }

 private:
  torch::Tensor Slot(const Tensors& inputs, Statistics which) const;

  LevelSizes level_;
  std::int64_t channels_;
  Layer displacement_, feature_, second_, third_;
};

/// Point 4D transposed convolution: features of the three nearest points above, weighted by
/// 1 / (distance + 1e-8), beside the features of the level itself, and two layers. One frame at a
/// time, as above.
class UpConvolution {
 public:
  UpConvolution(torch::nn::Module& root,
                const std::string& path,
                std::int64_t in,
                std::int64_t skipped,
                std::int64_t out);
  /// nearest [B, T, n, 3] points above of each point below -> features [T, B, n, out].
  torch::Tensor operator()(const Points& above,
                           const Points& below,
                           const torch::Tensor& nearest,
                           bool training) const;

 private:
  torch::Tensor Frame(const Tensors& inputs, Statistics which) const;

  std::int64_t in_, skipped_;
  Layer first_, second_;
};

}  // namespace cross4d::p4transformer_seg
