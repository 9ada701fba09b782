// SPDX-License-Identifier: Apache-2.0
#include "voxels.h"

#include <ATen/ATen.h>

#include <vector>

namespace cross4d::simple4d {

using torch::Tensor;

Cube CubeAround(const Tensor& points) {
  const Tensor low = points.amin({-3, -2}, true), high = points.amax({-3, -2}, true);
  const Tensor longest = (high - low).amax({-1}, true);
  const Tensor side = at::where(longest > 0, longest, at::ones_like(longest));
  return {(low + high - side) / 2, side};
}

Tensor Voxels(const Tensor& points, std::int64_t grid) {
  const std::int64_t b = points.size(0), t = points.size(1), n = points.size(2);
  const Cube cube = CubeAround(points);
  const Tensor place = (points - cube.low) / cube.side * static_cast<double>(grid);
  const Tensor cell = place.floor().clamp_(0, static_cast<double>(grid - 1));
  const Tensor offset = (place - cell - 0.5).view({b * t * n, 3});
  const Tensor index = cell.to(at::kLong);
  Tensor row = (index.select(3, 2) * grid + index.select(3, 1)) * grid + index.select(3, 0);
  row = row.view({b * t, n}) + at::arange(b * t, at::kLong).unsqueeze(1) * (grid * grid * grid);
  const Tensor values = at::cat({at::ones({b * t * n, 1}, offset.options()), offset}, 1);
  const Tensor sums = at::zeros({b * t * grid * grid * grid, 4}, offset.options());
  sums.index_add_(0, row.view({-1}), values);
  const Tensor count = sums.narrow(1, 0, 1);
  const Tensor mean = sums / count.clamp_min(1);
  return mean.view({b * t, grid, grid, grid, 4}).permute({0, 4, 1, 2, 3}).contiguous();
}

Tensor CellCentres(const Cube& cube, std::int64_t side) {
  const Tensor steps = (at::arange(side, at::kFloat) + 0.5) / static_cast<double>(side);
  const std::vector<Tensor> zyx = at::meshgrid({steps, steps, steps}, "ij");
  const Tensor unit = at::stack({zyx[2], zyx[1], zyx[0]}, 3).view({side * side * side, 3});
  return cube.low.squeeze(-2) + unit * cube.side.squeeze(-2);
}

}  // namespace cross4d::simple4d
