// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/option.h>

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <vector>

namespace cross4d::vicreg {

struct Options {
  std::vector<std::int64_t> expander = {1024, 1024, 1024};
  double invariance = 25;
  double variance = 25;
  double covariance = 1;
  std::vector<double> scale = {0.8, 1.25};
  double rotation = 30;
};

OptionTable<Options> DescribeOptions();

/// The three terms of VICReg's loss, without weights.
struct Terms {
  torch::Tensor invariance;  ///< mean squared difference
  torch::Tensor variance;    ///< mean over coordinates of relu(1 - sqrt(var + 1e-4)), mean of both
  torch::Tensor covariance;  ///< squares off the covariances' diagonals / D, sum of both
};
/// Of two views' embeddings [B, D], B >= 2.
Terms TermsOf(const torch::Tensor& a, const torch::Tensor& b);

/// The clips of a batch, each scaled and turned about the z axis by its own numbers: neighbours
/// stay neighbours, so the cached indices stay valid. Error(kInput) when the student caches
/// anything but whole numbers, which could be coordinates.
StudentInput DrawView(const StudentInput& input,
                      const std::vector<double>& scale,
                      double rotation_deg,
                      const torch::Generator& generator);

/// VICReg between two views of a clip.
class Vicreg : public Objective {
 public:
  Vicreg(const Options& options, const PluginContext& context);

  void Build(const ObjectiveShape& shape, Student& student) override;
  ObjectiveOutput Step(Student& student,
                       const TrainBatch& batch,
                       const StepContext& context) override;

 private:
  torch::Tensor Expand(torch::Tensor x);

  Options options_;
  std::vector<torch::nn::Linear> layers_;
  std::vector<torch::nn::BatchNorm1d> norms_;
};

}  // namespace cross4d::vicreg
