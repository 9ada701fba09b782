// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/protocol/efficiency_options.h"
#include "core/protocol/reporter.h"

#include <cross4d/sdk/student.h>

#include <cstdint>
#include <filesystem>
#include <functional>

namespace cross4d::eval {

/// What a student costs per clip; FLOPs are those of a forward pass (flops.h).
struct StudentCost {
  double parameters = 0;
  double flops = 0;                    ///< all
  double flops_without_attention = 0;  ///< without attention's two products
  double flops_embed = -1;  ///< of Embed: what comes before the tokens are mixed; -1 = not known
};

/// In eval mode on a batch of one clip. `maskable`: the student has Embed.
StudentCost CountCost(Student& student, const StudentInput& clip, bool maskable);

/// Bytes of LibTorch's tensors on the CPU: the most that were alive at once in `work`, over those
/// that were before it. Counted at the allocator, so it is the same in every run.
std::int64_t PeakBytes(const std::function<void()>& work);

/// Stage `evaluation`, protocol efficiency: metrics parameters, flops, flops_without_attention,
/// flops_embed (maskable students), clips_per_second_forward (eval mode, no gradients),
/// clips_per_second_step (forward and backward pass in train mode), peak_memory (bytes of a step:
/// parameters, gradients, activations) and threads; result.json in `out`.
void RunEfficiency(Student& student,
                   bool maskable,
                   const std::filesystem::path& tokens,
                   const protocol::EfficiencyOptions& options,
                   const std::filesystem::path& out,
                   protocol::Reporter& reporter);

}  // namespace cross4d::eval
