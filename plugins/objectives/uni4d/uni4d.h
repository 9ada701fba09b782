// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/pretext/predictor.h"
#include "core/pretext/tokens.h"

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/option.h>

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <memory>
#include <string>

namespace cross4d::uni4d {

struct Options {
  double mask_ratio = 0.75;
  std::int64_t neighbours = 32;
  double radius = 0;
  bool relative = false;
  double momentum = 0.999;
  std::string teacher_start = "independent";
  std::int64_t queue = 12288;
  double temperature = 0.1;
  std::int64_t depth = 4;
  std::int64_t dim = 128;
  std::int64_t heads = 4;
};

OptionTable<Options> DescribeOptions();

/// Uni4D: points and a momentum teacher's features of hidden tokens, and contrast between clips and
/// between the frames of a clip; four losses of weight 1.
class Uni4d : public Objective {
 public:
  Uni4d(const Options& options, const PluginContext& context);

  void Build(const ObjectiveShape& shape, Student& student) override;
  ObjectiveOutput Step(Student& student,
                       const TrainBatch& batch,
                       const StepContext& context) override;
  /// Moves the teacher and puts the step's clips into the queue.
  void AfterStep(Student& student, const StepContext& context) override;

 private:
  /// The hidden tokens [2 B, M, D]: asked for by the geometry token, then by the latent one.
  torch::Tensor Decode(const torch::Tensor& known,
                       const torch::Tensor& places,
                       const pretext::TokenSplit& split);
  torch::Tensor GeometryLoss(const torch::Tensor& decoded,
                             const StudentInput& input,
                             const torch::Tensor& hidden);
  /// known [B, V, D] against the teacher's features of all tokens [B, L, C].
  torch::Tensor GlobalLoss(const torch::Tensor& known, const torch::Tensor& wanted);
  /// 0 for fewer than three frames: there is nothing to tell apart.
  torch::Tensor MotionLoss(const torch::Tensor& known,
                           const torch::Tensor& wanted,
                           std::int64_t frames);

  Options options_;
  std::shared_ptr<Student> teacher_;
  torch::nn::Linear in_{nullptr}, position_{nullptr}, points_{nullptr}, latent_{nullptr},
      global_{nullptr}, motion_up_{nullptr}, motion_down_{nullptr};
  torch::nn::BatchNorm1d motion_norm_{nullptr};
  pretext::Predictor decoder_{nullptr};
  torch::Tensor geometry_token_, latent_token_;
  torch::Tensor queue_, queue_next_;  // [Q, C] unit vectors; [1] int64, where the next one goes
  torch::Tensor keys_;                // the step's clips, for the queue
};

}  // namespace cross4d::uni4d
