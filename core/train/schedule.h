// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/protocol/core_options.h"

#include <cstdint>

namespace cross4d::train {

/// Linear warm-up over round(warmup * total) steps, reaching lr at its last step, then cosine decay
/// that reaches min_lr at the last step. `step` counts from 0.
double LearningRate(std::int64_t step,
                    std::int64_t total,
                    const protocol::PretrainOptions& options);

}  // namespace cross4d::train
