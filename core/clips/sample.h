// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/random.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace cross4d::clips {

/// The stream that draws the points of one frame: independent of run, file order and threads.
/// `frame` counts within the video, not within the clip.
RandomStream FrameRandom(std::int64_t sample_seed, std::string_view video, std::int64_t frame);

/// Draws `count` of the `candidates` (pixel positions or row numbers) without replacement and
/// leaves them in the vector, in the order drawn; the first n of a larger count are those of n. Too
/// few: all of them as often as they fit, then a random rest. No candidate, nothing drawn: false.
bool SamplePoints(std::int64_t count, RandomStream random, std::vector<std::uint32_t>* candidates);

/// 0, 1, …, n - 1: candidates where every row of a point list is valid.
void AllRows(std::int64_t n, std::vector<std::uint32_t>* candidates);

/// For each frame of a clip the one whose points it takes: itself, or, where it is empty, the
/// nearest one that is not (the earlier of two). Empty vector: all frames are empty.
std::vector<std::int64_t> FrameSources(const std::vector<bool>& empty);

}  // namespace cross4d::clips
