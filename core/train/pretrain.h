// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/data/sources.h"
#include "core/protocol/core_options.h"
#include "core/protocol/reporter.h"

#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/student.h>

#include <cstdint>
#include <filesystem>

namespace cross4d::train {

struct PretrainJob {
  Student& student;
  Objective& objective;  ///< built
  const data::TokenSource& tokens;
  const data::TargetSource* targets = nullptr;  ///< nullptr: the objective uses none
  bool token_targets = false, clip_targets = false, frame_targets = false;
  protocol::PretrainOptions options;
  std::uint64_t seed = 0;            ///< run seed
  std::filesystem::path checkpoint;  ///< folder; a checkpoint found there is continued
  double checkpoint_every_s = 10;    ///< wall time
};

/// The optimiser loop, method.md section 4. Everything random derives from (run seed, step), so
/// that a continued run equals an uninterrupted one bit for bit (same thread count). Reports per
/// epoch `loss`, `lr`, the objective's monitors, `feature_std`, `effective_rank` (step = epochs
/// done), then the same as final values with `params`, `head_params`, `seconds`. A stop request
/// saves a checkpoint and throws Error(kCancelled); a loss that is not finite throws Error(kInput)
/// with step, term and last checkpoint.
void Pretrain(const PretrainJob& job, protocol::Reporter& reporter);

/// Runs `clips` training clips through the student in train mode, without gradient, to re-estimate
/// BatchNorm statistics; leaves it in eval mode.
void Calibrate(Student& student,
               const data::TokenSource& tokens,
               std::int64_t clips,
               std::uint64_t seed,
               protocol::Reporter& reporter);

/// Trainable parameters.
std::int64_t CountParameters(const torch::nn::Module& module);

}  // namespace cross4d::train
