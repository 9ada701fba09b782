// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "grouped_mlp.h"

namespace cross4d::point4d {

/// Points of all frames of a batch with their groups: P = clips * T * n rows, G = clips * T * m
/// groups.
struct Grouping {
  torch::Tensor xyz;         ///< [P, 3]
  torch::Tensor features;    ///< [P, F]; undefined when F is 0
  torch::Tensor picks;       ///< [G] int32, rows of xyz
  torch::Tensor neighbours;  ///< [G, k] int32, rows of xyz
  std::int64_t groups_per_clip = 0;
};

struct SetAbstractionShape {
  std::int64_t features = 0;  ///< F
  double relative_scale = 1;  ///< factor on neighbour - centroid
  bool absolute = false;      ///< absolute coordinates are input channels as well
  std::vector<std::int64_t> widths;
  bool fused = true;  ///< on the CPU
};

/// Grouping, shared layers (linear, BatchNorm, ReLU) and a maximum over the neighbours
/// (PointNet++). Input channels of the first layer: relative xyz, absolute xyz if asked for,
/// features.
class SetAbstractionImpl : public torch::nn::Module {
 public:
  explicit SetAbstractionImpl(const SetAbstractionShape& shape);

  /// [G, last width]. On the CPU the fused form if asked for, else the plain one.
  torch::Tensor forward(const Grouping& in);
  /// The composition of standard operations that the fused form equals up to rounding; any device.
  torch::Tensor ForwardPlain(const Grouping& in);

  /// For comparisons of the two forms; null otherwise. Empty: the next forward notes its choices
  /// here. Filled: the plain form takes them instead of its own.
  std::shared_ptr<GroupedChoices> choices;

 private:
  torch::Tensor Pool(const torch::Tensor& y, std::int64_t k);
  torch::Tensor ForwardFused(const Grouping& in);

  SetAbstractionShape shape_;
  std::vector<torch::nn::Linear> linears_;
  std::vector<torch::nn::BatchNorm1d> norms_;
};
TORCH_MODULE(SetAbstraction);

}  // namespace cross4d::point4d
