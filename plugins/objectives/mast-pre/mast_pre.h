// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/pretext/predictor.h"

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/option.h>

#include <torch/nn/modules/linear.h>

#include <cstdint>

namespace cross4d::mast_pre {

struct Options {
  double mask_ratio = 0.75;
  std::int64_t neighbours = 32;
  double radius = 0;
  bool relative = false;
  std::int64_t depth = 4;
  std::int64_t dim = 128;
  std::int64_t heads = 4;
};

OptionTable<Options> DescribeOptions();

/// MaST-Pre: from a quarter of the tokens a decoder gives the points around the hidden ones and how
/// their number per direction changes over three frames.
class MastPre : public Objective {
 public:
  MastPre(const Options& options, const PluginContext& context);

  void Build(const ObjectiveShape& shape, Student& student) override;
  ObjectiveOutput Step(Student& student,
                       const TrainBatch& batch,
                       const StepContext& context) override;

 private:
  Options options_;
  torch::nn::Linear in_{nullptr}, position_{nullptr}, points_{nullptr}, cardinality_{nullptr};
  pretext::Predictor decoder_{nullptr};
  torch::Tensor mask_token_;
};

}  // namespace cross4d::mast_pre
