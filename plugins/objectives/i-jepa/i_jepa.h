// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/pretext/predictor.h"

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/option.h>

#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "blocks.h"

namespace cross4d::i_jepa {

struct Options {
  std::int64_t targets = 4;
  std::vector<double> target_share = {0.15, 0.20};
  std::vector<double> span_share = {0.5, 1.0};
  std::vector<double> context_share = {0.40, 0.75};
  std::vector<double> momentum = {0.996, 1.0};
  std::int64_t depth = 4;
  std::int64_t dim = 128;
  std::int64_t heads = 4;
  double beta = 2;
};

OptionTable<Options> DescribeOptions();

/// i-JEPA on point tokens: from a part of the tokens a predictor gives what a momentum teacher
/// makes of hidden tubes.
class IJepa : public Objective {
 public:
  IJepa(const Options& options, const PluginContext& context);

  void Build(const ObjectiveShape& shape, Student& student) override;
  ObjectiveOutput Step(Student& student,
                       const TrainBatch& batch,
                       const StepContext& context) override;
  void AfterStep(Student& student, const StepContext& context) override;

  /// Momentum of the teacher after optimiser step `step`: linear over the run.
  double MomentumAt(std::int64_t step, std::int64_t total_steps) const;
  /// The sizes that one step draws.
  BlockSizes DrawSizes(const pretext::TokenLayout& layout, RandomStream& random) const;

 private:
  /// What the teacher makes of all tokens, each normalised over its channels: [B, L, C].
  torch::Tensor Targets(const torch::Tensor& tokens, const StudentInput& input);
  /// Predictions [B, tubes, K, C] from the context's features [B, c, C].
  torch::Tensor Predict(const torch::Tensor& context,
                        const torch::Tensor& places,
                        const Blocks& blocks);

  Options options_;
  std::shared_ptr<Student> teacher_;
  torch::nn::Linear in_{nullptr}, out_{nullptr}, position_in_{nullptr}, position_out_{nullptr};
  pretext::Predictor predictor_{nullptr};
  torch::Tensor mask_token_;
};

}  // namespace cross4d::i_jepa
