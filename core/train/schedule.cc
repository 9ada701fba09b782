// SPDX-License-Identifier: Apache-2.0
#include "core/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cross4d::train {

double LearningRate(std::int64_t step,
                    std::int64_t total,
                    const protocol::PretrainOptions& options) {
  const std::int64_t warmup = std::llround(options.warmup * static_cast<double>(total));
  if (step < warmup) {
    return options.lr * static_cast<double>(step + 1) / static_cast<double>(warmup);
  }
  const std::int64_t length = std::max<std::int64_t>(1, total - 1 - warmup);
  const double progress =
      std::min(1.0, static_cast<double>(step - warmup) / static_cast<double>(length));
  return options.min_lr +
         0.5 * (options.lr - options.min_lr) * (1 + std::cos(std::numbers::pi * progress));
}

}  // namespace cross4d::train
