// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/data/readable_clips.h"
#include "core/protocol/reporter.h"
#include "core/targets/rate.h"

#include <cstddef>
#include <string>

namespace cross4d::targets {

/// The clips that a stage works on. Logs what the data set knows to be wrong and each clip left
/// out; metric `skipped` if the data set skips unreadable clips.
inline data::ReadableClips KeepReadable(const Dataset& dataset,
                                        bool train_only,
                                        int threads,
                                        protocol::Reporter& reporter) {
  constexpr std::size_t kLogged = 100;
  const auto problems = dataset.problems();
  for (std::size_t i = 0; i < problems.size() && i < kLogged; ++i) {
    reporter.Log(problems[i].file + ": " + problems[i].what);
  }
  if (problems.size() > kLogged) {
    reporter.Log("and " + std::to_string(problems.size() - kLogged) +
                 " more files; `cross4d data inspect` lists them");
  }
  ClipRate rate("check", static_cast<std::int64_t>(dataset.clips().size()), reporter);
  data::ReadableClips clips(dataset, train_only, threads, [&](std::int64_t done) {
    protocol::ThrowIfStopped(reporter);
    rate.Done(done);
  });
  for (const auto& skipped : clips.skipped()) reporter.Log("skipped: " + skipped.why);
  if (dataset.skip_unreadable()) {
    reporter.Metric("skipped", -1, static_cast<double>(clips.skipped().size()));
  }
  return clips;
}

}  // namespace cross4d::targets
