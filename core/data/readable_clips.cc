// SPDX-License-Identifier: Apache-2.0
#include "core/data/readable_clips.h"

#include "core/data/sources.h"
#include "core/geometry/parallel.h"

#include <cross4d/sdk/error.h>

#include <algorithm>

namespace cross4d::data {
namespace {

// Empty = readable, else the error's text.
std::string WhyUnreadable(const Dataset& dataset, std::int64_t index) {
  try {
    LoadClip(dataset, index, 0, 0);
    return {};
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kInput) throw;
    return e.what();
  }
}

}  // namespace

ReadableClips::ReadableClips(const Dataset& dataset,
                             bool train_only,
                             int threads,
                             const Progress& progress)
    : dataset_(dataset) {
  const auto& all = dataset.clips();
  const auto count = static_cast<std::int64_t>(all.size());
  std::vector<std::string> why(all.size());
  const std::int64_t chunk = 8 * std::max(threads, 1);
  for (std::int64_t begin = 0; dataset.skip_unreadable() && begin < count; begin += chunk) {
    geometry::ForEach(std::min(chunk, count - begin), threads, [&](std::int64_t i) {
      const auto index = static_cast<std::size_t>(begin + i);
      if (train_only && all[index].split != Split::kTrain) return;
      why[index] = WhyUnreadable(dataset, begin + i);
    });
    progress(std::min(begin + chunk, count));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!why[i].empty()) {
      skipped_.push_back({all[i].id, why[i]});
      continue;
    }
    clips_.push_back(all[i]);
    source_.push_back(static_cast<std::int64_t>(i));
  }
  if (clips_.empty() && !skipped_.empty()) {
    FailInput("none of the " + std::to_string(count) +
              " clips can be read; the first: " + skipped_.front().why);
  }
}

}  // namespace cross4d::data
