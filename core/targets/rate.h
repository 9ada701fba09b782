// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/protocol/reporter.h"

#include <chrono>
#include <string>
#include <utility>

namespace cross4d::targets {

/// Progress over clips with clips per second; `before` of them were done in an earlier attempt.
class ClipRate {
 public:
  ClipRate(std::string phase,
           std::int64_t total,
           protocol::Reporter& reporter,
           std::int64_t before = 0)
      : phase_(std::move(phase)), total_(total), before_(before), reporter_(reporter) {}

  void Done(std::int64_t clips) {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start_;
    protocol::Progress progress;
    progress.phase = phase_;
    progress.done = clips;
    progress.total = total_;
    const auto now = static_cast<double>(clips - before_);
    progress.rate = seconds.count() > 0 ? now / seconds.count() : 0;
    reporter_.Report(progress);
  }

 private:
  std::string phase_;
  std::int64_t total_, before_;
  protocol::Reporter& reporter_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace cross4d::targets
