// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/student.h>

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace cross4d {
inline namespace v1 {

/// What a training step sees. Targets are undefined where the objective's note does not require
/// them.
struct TrainBatch {
  StudentInput input;
  torch::Tensor token_targets;  ///< [B, L, d] float32: target of each token's nearest point (Eq. 3)
  torch::Tensor token_visible;  ///< [B, L] bool: that point is visible
  torch::Tensor clip_targets;   ///< [B, d] float32: mean over all patch tokens of the clip
  /// [B, V, T, d] float32: mean over the patch tokens of frame t as camera v sees it.
  torch::Tensor frame_targets;
  torch::Tensor view_visible;  ///< [B, V, L] bool: camera v sees the token's nearest point
};

struct StepContext {
  std::int64_t step = 0;  ///< optimiser step, from 0
  std::int64_t total_steps = 0;
  torch::Generator generator;  ///< CPU generator for masks and views; seeded from (run seed, step)
};

struct ObjectiveOutput {
  torch::Tensor loss;  ///< scalar with gradient
  /// [M, d] outputs that the trainer's variance term (Eq. 6) acts on; undefined = none.
  torch::Tensor predictions;
  /// Scalars to record, by name ("cosine"); no gradient.
  std::map<std::string, double> monitors;
};

/// What `Objective` is built for.
struct ObjectiveShape {
  std::int64_t student_dim = 0;  ///< C
  std::int64_t target_dim = 0;   ///< d; 0 = the objective uses no targets
  std::int64_t frames = 0;       ///< T, frames of a clip
  std::int64_t views = 0;        ///< V, cameras of the targets; 0 = the objective uses no targets
  /// Another student of the same options with weights of its own, for momentum teachers.
  std::function<std::shared_ptr<Student>()> make_student;
};

/// A pretraining objective. It drives the student itself, so that masking, momentum teachers and
/// two views fit. Its own parameters (heads) are those of the torch module; those that require a
/// gradient are trained along with the student, all are in the checkpoint, and they are thrown away
/// afterwards.
class Objective : public torch::nn::Module {
 public:
  /// Called once, after construction and before the first Step, under the run seed: makes the
  /// heads.
  virtual void Build(const ObjectiveShape& shape, Student& student) = 0;
  virtual ObjectiveOutput Step(Student& student,
                               const TrainBatch& batch,
                               const StepContext& context) = 0;
  /// After the optimiser's step: momentum updates.
  virtual void AfterStep(Student& /*student*/, const StepContext& /*context*/) {}
  /// Untrained objectives (tag `untrained`) only: how many training clips are run through the
  /// student in train mode, without gradient, to re-estimate BatchNorm statistics; 0 = keep the
  /// initial ones.
  virtual std::int64_t calibration_clips() const { return 0; }
};

}  // namespace v1
}  // namespace cross4d
