// SPDX-License-Identifier: Apache-2.0
#include "core/clips/sample.h"

#include <numeric>
#include <utility>

namespace cross4d::clips {

RandomStream FrameRandom(std::int64_t sample_seed, std::string_view video, std::int64_t frame) {
  return RandomStream(MixSeed({static_cast<std::uint64_t>(sample_seed),
                               HashText(video),
                               static_cast<std::uint64_t>(frame)}));
}

bool SamplePoints(std::int64_t count, RandomStream random, std::vector<std::uint32_t>* candidates) {
  std::vector<std::uint32_t>& from = *candidates;
  if (from.empty()) return false;
  const std::size_t wanted = static_cast<std::size_t>(count), found = from.size();
  const std::size_t drawn = wanted < found ? wanted : wanted % found;
  for (std::size_t i = 0; i < drawn; ++i) std::swap(from[i], from[i + random.Below(found - i)]);
  from.resize(wanted);
  for (std::size_t i = found; i < wanted; ++i) from[i] = from[i - found];
  return true;
}

void AllRows(std::int64_t n, std::vector<std::uint32_t>* candidates) {
  candidates->resize(static_cast<std::size_t>(n));
  std::iota(candidates->begin(), candidates->end(), 0U);
}

std::vector<std::int64_t> FrameSources(const std::vector<bool>& empty) {
  const auto frames = static_cast<std::int64_t>(empty.size());
  const auto has_points = [&](std::int64_t i) {
    return i >= 0 && i < frames && !empty[static_cast<std::size_t>(i)];
  };
  std::vector<std::int64_t> sources;
  for (std::int64_t i = 0; i < frames; ++i) {
    std::int64_t gap = 0;
    while (gap < frames && !has_points(i - gap) && !has_points(i + gap)) ++gap;
    if (gap == frames) return {};
    sources.push_back(has_points(i - gap) ? i - gap : i + gap);
  }
  return sources;
}

}  // namespace cross4d::clips
