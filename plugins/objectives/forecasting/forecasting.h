// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/option.h>

#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>

#include <cstdint>

namespace cross4d::forecasting {

struct Options {
  bool field = true;
  bool rollout = true;
  bool consistency = true;
  std::int64_t horizon = 4;
  std::int64_t dim = 256;
  std::int64_t camera_dim = 32;
};

OptionTable<Options> DescribeOptions();

/// Latent forecasting in the global regime (paper, section 3.4 and Table 19): from the frames up to
/// t the teacher's embedding of frame t + horizon, as each camera sees it.
class Forecasting : public Objective {
 public:
  Forecasting(const Options& options, const PluginContext& context);

  void Build(const ObjectiveShape& shape, Student& student) override;
  ObjectiveOutput Step(Student& student,
                       const TrainBatch& batch,
                       const StepContext& context) override;

 private:
  /// What is known at t, [B, V, 2 C], from features [B, P, C] of the tokens of frames 0 to t: mean
  /// over those that `weight` [B, V, P] keeps, and over those of the last frame (`last` tokens);
  /// where it keeps none of the last frame, the first mean twice.
  static torch::Tensor Summary(const torch::Tensor& features,
                               const torch::Tensor& weight,
                               std::int64_t last);
  torch::Tensor Field(const torch::Tensor& summary);
  /// Predictions [B, V, d] from a state [B, S].
  torch::Tensor Decode(const torch::Tensor& state);
  /// Mean over pairs of cameras of 1 - cos of the fields made of what each of them sees.
  torch::Tensor Disagreement(const torch::Tensor& features,
                             const torch::Tensor& visible,
                             std::int64_t last);

  Options options_;
  std::int64_t frames_ = 0, views_ = 0;
  torch::nn::Linear field_in_{nullptr}, field_out_{nullptr}, decoder_in_{nullptr},
      decoder_out_{nullptr};
  torch::nn::GRUCell gru_{nullptr};
  torch::nn::Embedding camera_{nullptr};
};

}  // namespace cross4d::forecasting
