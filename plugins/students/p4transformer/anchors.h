// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace cross4d::p4transformer {

/// Farthest point sampling as the official CUDA kernel does it, which is not what core/geometry
/// does: the first pick is point 0; running distances start at 1e10; with `skip_near_origin` a
/// point with x^2 + y^2 + z^2 <= 1e-3 is never picked; where no point is left to pick, point 0
/// repeats. Ties go where the kernel's block reduction sends them: threads t = index mod 512 (or
/// the greatest power of two up to N, if smaller) pair up by halves, the lower one winning.
/// `points` [N, 3], finite; `picked` receives picked.size() indices. Sums of squares are rounded
/// step by step, where the GPU may fuse: on exact ties the two can differ.
void PickAnchors(std::span<const float> points,
                 bool skip_near_origin,
                 std::span<std::int32_t> picked);

}  // namespace cross4d::p4transformer
