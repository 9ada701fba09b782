// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/pretext/tubes.h"

#include <torch/types.h>

#include <cstdint>

namespace cross4d::mast_pre {

/// Bins of a histogram: 4 quarters of azimuth times 2 halves of elevation around the anchor, in the
/// data's own axes.
inline constexpr std::int64_t kBins = 8;

/// Adds the votes of one direction to `bins`: shared linearly between the two nearest azimuth bins
/// and between the two elevation bins, 1 in all. A zero vector votes for nothing.
void Vote(float x, float y, float z, float* bins);

/// How the different points of each tube lie around its anchor: counts [B, M, 3, 8], the sum of a
/// row is the number of its points off the anchor.
torch::Tensor Histograms(const pretext::PointTubes& tubes);

}  // namespace cross4d::mast_pre
