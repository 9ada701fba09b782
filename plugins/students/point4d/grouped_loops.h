// SPDX-License-Identifier: Apache-2.0
// The element-wise loops of a set abstraction, in a unit of their own without LibTorch. All
// matrices are row-major float32. "Rows" are the grouped points: row g * k + j is neighbour j of
// group g.
#pragma once

#include <cstdint>

namespace cross4d::point4d {

/// The first linear layer, split: its value at row g * k + j is points[rows[g * k + j]] -
/// centres[g], so that the layer itself runs on points and centres and never on grouped rows.
struct GroupedPoints {
  const float* points = nullptr;       ///< [P, channels]
  const float* centres = nullptr;      ///< [G, channels]
  const std::int32_t* rows = nullptr;  ///< [G * k], into points
  std::int64_t k = 0, channels = 0;
};

/// sum[c] += z over the rows of groups [first, last).
void AddGroupSums(const GroupedPoints& z, std::int64_t first, std::int64_t last, float* sum);
/// sum[c] += (z - mean)^2.
void AddGroupSquares(
    const GroupedPoints& z, std::int64_t first, std::int64_t last, const float* mean, float* sum);
/// out = max(0, z * scale + shift), rows of groups [first, last) only.
void ActivateGroups(const GroupedPoints& z,
                    std::int64_t first,
                    std::int64_t last,
                    const float* scale,
                    const float* shift,
                    float* out);

/// The same three for a stored matrix [rows, channels].
void AddSums(const float* z, std::int64_t rows, std::int64_t channels, float* sum);
void AddSquares(
    const float* z, std::int64_t rows, std::int64_t channels, const float* mean, float* sum);
void Activate(const float* z,
              std::int64_t rows,
              std::int64_t channels,
              const float* scale,
              const float* shift,
              float* out);

/// Per group and channel the extreme of z over its k rows, the greatest where sign[c] is 1 and the
/// least where it is -1, and which row it came from (the first of equals). BatchNorm with ReLU is
/// monotone, so this is where the maximum after them lies.
void FindExtremes(const float* z,
                  std::int64_t groups,
                  std::int64_t k,
                  std::int64_t channels,
                  const float* sign,
                  float* extreme,
                  std::int32_t* row);

/// The part of the last layer's gradient that sits at the extremes only. For each group and channel
/// with value v: d_input[row] += v * weight[c], d_weight[c] += v * input[row].
void ScatterExtremes(const float* value,
                     const std::int32_t* row,
                     std::int64_t groups,
                     std::int64_t k,
                     std::int64_t channels,
                     const float* weight,
                     const float* input,
                     std::int64_t inputs,
                     float* d_input,
                     float* d_weight);

/// Sums that BatchNorm's backward needs: d_shift = sum dy, d_z = sum dy * (z - mean).
struct NormSums {
  float* d_shift = nullptr;
  float* d_z = nullptr;
};

/// Through the ReLU: dy = h > 0 ? dh - offset : 0 in place of `dh`, and adds to `sums`.
void BackThroughRelu(const float* z,
                     const float* h,
                     std::int64_t rows,
                     std::int64_t channels,
                     const float* offset,
                     const float* mean,
                     float* dh,
                     NormSums sums);
void BackThroughReluGroups(const GroupedPoints& z,
                           std::int64_t first,
                           std::int64_t last,
                           const float* h,
                           const float* offset,
                           const float* mean,
                           float* dh,
                           NormSums sums);

/// Through BatchNorm: dz = scale * dy - b - a * z.
struct NormBack {
  const float* scale = nullptr;
  const float* a = nullptr;
  const float* b = nullptr;
};
/// In place of `dy`.
void BackThroughNorm(
    const float* z, std::int64_t rows, std::int64_t channels, const NormBack& norm, float* dy);
/// To the points and centres behind the rows: d_points[rows] += dz, d_centres[g] = -sum dz.
void BackThroughNormGroups(const GroupedPoints& z,
                           std::int64_t first,
                           std::int64_t last,
                           const NormBack& norm,
                           const float* dy,
                           float* d_points,
                           float* d_centres);

}  // namespace cross4d::point4d
