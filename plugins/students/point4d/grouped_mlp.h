// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace cross4d::point4d {

/// One layer of a set abstraction's network: linear, BatchNorm, ReLU.
struct GroupedLayer {
  torch::Tensor weight;  ///< [C, C of the layer before]; undefined for layer 0, which comes split
  torch::Tensor bias;    ///< [C]
  torch::Tensor gamma, beta;                ///< [C]
  torch::Tensor running_mean, running_var;  ///< [C], read when batch_statistics is false
};

/// What the network runs on.
struct GroupedInput {
  torch::Tensor points;   ///< [P, C0] layer 0's linear part of each point
  torch::Tensor centres;  ///< [G, C0] and what to subtract from it in each group
  torch::Tensor rows;     ///< [G * k] int32, into points
  std::int64_t k = 0;
  std::int64_t groups_per_clip =
      0;                          ///< work is cut within clips, so that a clip's result is its own
  bool batch_statistics = false;  ///< BatchNorm in train mode
  double eps = 1e-5;
};

/// Mean and biased variance of one layer's linear output over all rows.
struct BatchMoments {
  torch::Tensor mean, variance;  ///< [C]
};

/// Which side every value fell on: what the gradient has no say in. Two forms whose values differ
/// by rounding agree in their gradients only where they agree in these.
struct GroupedChoices {
  std::vector<torch::Tensor> passed;  ///< per layer but the last, [G * k, C] bool: above 0
  torch::Tensor row;                  ///< [G, C] int32: the neighbour that the maximum took
  torch::Tensor active;               ///< [G, C] bool: that maximum is above 0
};

/// The maximum over each group's k rows of the whole network: [G, C of the last layer], float32 on
/// the CPU, at least two layers. Equal to the plain composition of gather, linear, BatchNorm, ReLU
/// and max up to rounding, but without its grouped tensors:
///  - BatchNorm and ReLU are monotone, so the last layer keeps one extreme per group and channel;
///  - the gradient that BatchNorm's statistics send back through the last layer is affine in that
///    layer's input h, so it comes from h' h and W' diag(a) W, and only the extremes need rows of
///    W;
///  - activations are recomputed from what the layer before left.
/// Differentiable in points, centres, weight, bias, gamma and beta. With batch statistics a bias
/// has no effect on the result, and its gradient is exactly 0. `moments` receives one entry per
/// layer then, `choices`, if not null, the call's choices (it must keep them: batch statistics or a
/// gradient). One thread; deterministic.
torch::Tensor GroupedMlp(const GroupedInput& input,
                         const std::vector<GroupedLayer>& layers,
                         std::vector<BatchMoments>* moments,
                         GroupedChoices* choices = nullptr);

}  // namespace cross4d::point4d
