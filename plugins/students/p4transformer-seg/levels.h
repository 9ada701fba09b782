// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/student.h>

#include <torch/types.h>

#include <array>
#include <cstdint>

#include "seg_options.h"

namespace cross4d::p4transformer_seg {

/// What a level of point 4D convolution does to the points below it.
struct LevelSizes {
  std::int64_t stride = 1;  ///< points below per anchor
  std::int64_t frames = 1;  ///< frames that an anchor sees: its own, or both neighbours' too
  std::int64_t radius = 1;  ///< times the option radius
  std::array<std::int64_t, 3> widths{};  ///< of its three layers, times the option width
};
inline constexpr std::array<LevelSizes, 4> kLevels = {
    {{4, 1, 1, {1, 2, 4}}, {4, 1, 2, {4, 4, 8}}, {4, 3, 4, {8, 8, 16}}, {2, 1, 8, {16, 16, 32}}}};

/// The frame that an anchor of frame t sees in slot 0..frames-1, within 0..T-1.
std::int64_t SeenFrame(const LevelSizes& level, std::int64_t t, std::int64_t slot, std::int64_t of);

/// Every point is a token: token t * N + i is point i of frame t. `extra` has for level l = 1..4,
/// with n points below it, m = max(1, n / stride) anchors, and S frames seen; int16 while N <
/// 32,768, int32 beyond; all indices within their frame:
///   anchors<l> [T, m], points of the level below, by farthest point sampling;
///   neighbours<l> [T, S, m, K], points of the level below in the frames seen: the first K in index
///   order with distance < radius, padded with the first; none: point 0 (as the official kernel);
///   nearest<l> [T, n, min(3, m)], the anchors nearest to each point below, the nearest first.
/// Errors: Error(kInput) for a wrong shape or type, an empty clip, a coordinate that is not finite.
TokenGeometry TokenizeClip(const torch::Tensor& points, const Options& options);

}  // namespace cross4d::p4transformer_seg
