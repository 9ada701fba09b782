// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace cross4d::geometry {

/// Farthest point sampling (FPS) of one cloud.
///
/// `points` is [N, 3] row-major, `picked` receives M = picked.size() indices. picked[0] = 0; each
/// further pick is the point with the greatest squared distance to all picks so far, ties to the
/// higher index. Arithmetic (float32, (dx*dx + dy*dy) + dz*dz) and ties are those of the plain
/// version of the PyPI package fpsample, so the indices are the same on every cloud. When every
/// point is covered (identical points), index N - 1 repeats, as there. M > N, which fpsample
/// refuses: the first N picks are repeated in order (picked[i] = picked[i - N]). Errors:
/// Error(kInput) if the cloud is empty, its size is not a multiple of 3, or a coordinate is not
/// finite (the first such point is named). Threads: safe. Cost: N * M distance updates.
void FarthestPoints(std::span<const float> points, std::span<std::int32_t> picked);

/// The same for every frame of a clip: `points` [T, N, 3], `picked` [T, M]. Frames are spread over
/// `threads`; the result does not depend on them. Errors name the frame.
void FarthestPointsOfClip(std::span<const float> points,
                          std::int64_t frames,
                          std::span<std::int32_t> picked,
                          int threads = 1);

}  // namespace cross4d::geometry
