// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/protocol/core_options.h"

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace cross4d::train {

/// True for biases, norms and embeddings: no weight decay.
bool IsDecayFree(const std::string& name, const torch::Tensor& parameter);

/// All trainable parameters of several modules, moved into one flat buffer, with their gradients,
/// so that AdamW is one pass over memory. The modules keep working: their parameters become views.
class FlatParameters {
 public:
  /// Error(kPlugin) for a parameter that is not float32 on the CPU.
  explicit FlatParameters(const std::vector<torch::nn::Module*>& modules);

  void ZeroGradients();
  double GradientNorm() const;
  /// AdamW with the given learning rate; gradients are scaled by `gradient_scale` first.
  void Step(const protocol::PretrainOptions& options,
            double lr,
            double gradient_scale,
            std::int64_t count);
  std::int64_t size() const { return trainable_; }

  /// Moments, for checkpoints.
  torch::Tensor& first_moment() { return first_; }
  torch::Tensor& second_moment() { return second_; }

 private:
  struct Segment {
    std::int64_t begin = 0, end = 0;
    bool decay = true;
  };
  std::vector<Segment> segments_;
  std::int64_t trainable_ = 0;
  torch::Tensor values_, gradients_, first_, second_;
};

}  // namespace cross4d::train
