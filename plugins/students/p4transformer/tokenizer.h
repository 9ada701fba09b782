// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/student.h>

#include <torch/types.h>

#include <cstdint>

#include "options.h"

namespace cross4d::p4transformer {

/// Frames between anchor frames, and frames that an anchor sees: its own and both neighbours.
inline constexpr std::int64_t kTemporalStride = 2;
inline constexpr std::int64_t kWindow = 3;

/// Tokens of a frame of `points` points.
std::int64_t TokensPerFrame(const Options& options, std::int64_t points);

/// Frame (first dimension, L') and slot (second, 3) of each anchor frame's window: 2 l - 1, 2 l,
/// 2 l + 1, cut to 0..T-1. [L', 3] int64.
torch::Tensor WindowFrames(std::int64_t frames);

/// Anchors and their neighbours, from the points alone. Token l * m + i is anchor i of frame 2 l.
///
/// `extra` of the result, int16 while N < 32,768 and int32 beyond, all indices within their frame:
///   anchors [L', m] points of frame 2 l,
///   neighbours [L', 3, m, K] points of the window's frames: the first K in index order with
///   distance < radius, padded with the first; none: point 0 (as the official kernel).
/// Errors: Error(kInput) for a wrong shape or type, an empty clip, a coordinate that is not finite.
TokenGeometry TokenizeClip(const torch::Tensor& points, const Options& options);

}  // namespace cross4d::p4transformer
