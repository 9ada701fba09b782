// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/dataset.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace cross4d::worker {

/// Smallest, mean and largest of some numbers.
struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low, sum = 0;
  std::int64_t count = 0;

  void Add(double value) { Add({value, value, value, 1}); }
  void Add(const Range& other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
    sum += other.sum;
    count += other.count;
  }
  double mean() const { return count == 0 ? 0 : sum / static_cast<double>(count); }
};

/// What reading a clip shows.
struct ClipStatistics {
  std::int64_t frames = 0, points = 0;  ///< T, N
  std::int64_t padded_frames = 0;    ///< equal ones at the end: the video was shorter than the clip
  std::int64_t repeated_frames = 0;  ///< others equal to the one before: short, or without points
  Range distinct_points;             ///< per frame; fewer than N = the frame had fewer
  std::array<Range, 3> axes;
  bool part_labels = false, correspondence = false;
  std::string hash;  ///< of the points
};
ClipStatistics MeasureClip(const Clip& clip);

struct ReadClips {
  std::vector<std::pair<std::int64_t, ClipStatistics>> clips;    ///< by index
  std::vector<std::pair<std::int64_t, std::string>> unreadable;  ///< index, error
  std::vector<std::vector<std::int64_t>> alike;  ///< clips with the same points, two or more
};

/// Reads the clips `indices` on `threads` threads; `progress` is told how many are done.
ReadClips ReadAndMeasure(const Dataset& dataset,
                         const std::vector<std::int64_t>& indices,
                         int threads,
                         const std::function<void(std::int64_t)>& progress);

}  // namespace cross4d::worker
