// SPDX-License-Identifier: Apache-2.0
// The element-wise loops of attention, in a unit of their own without LibTorch.
#pragma once

#include <cstdint>

namespace cross4d::point4d {

/// Each row of `scores` [rows, columns] becomes softmax(scale * row), in place.
void SoftmaxRows(float* scores, std::int64_t rows, std::int64_t columns, float scale);

/// Gradient of the scores: d = scale * p * (d - sum(p * d)) per row, in place of `d`.
void SoftmaxRowsBack(
    const float* p, float* d, std::int64_t rows, std::int64_t columns, float scale);

}  // namespace cross4d::point4d
