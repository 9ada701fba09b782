// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace cross4d::simple4d {

/// The cube around all points of each clip [.., T, N, 3]: centred on their box, as wide as its
/// longest side (1 when all points are identical).
struct Cube {
  torch::Tensor low;   ///< [.., 1, 1, 3]
  torch::Tensor side;  ///< [.., 1, 1, 1]
};
Cube CubeAround(const torch::Tensor& points);

/// points [B, T, N, 3] -> [B * T, 4, grid, grid, grid] (z, y, x): occupied or not, and the mean
/// offset (x, y, z) of a cell's points from its centre, in cells.
torch::Tensor Voxels(const torch::Tensor& points, std::int64_t grid);

/// Centres of the cells of a coarse grid over the cube, in the clip's coordinates: [.., side^3, 3],
/// x fastest.
torch::Tensor CellCentres(const Cube& cube, std::int64_t side);

}  // namespace cross4d::simple4d
