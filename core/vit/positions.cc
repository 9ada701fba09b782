// SPDX-License-Identifier: Apache-2.0
#include "core/vit/positions.h"

#include <cmath>
#include <numbers>
#include <vector>

namespace cross4d::vit {
namespace {

at::Tensor Arange(std::int64_t n, at::ScalarType type = at::kFloat) {
  return at::arange(n, at::TensorOptions().dtype(type));
}

// Puts the partner's sign (-, +) into the sine, so that Apply only has to swap channels.
Rotary FromAngles(const at::Tensor& angles, Pairing pairing) {
  Rotary rotary{pairing, angles.cos(), angles.sin()};
  const std::int64_t d = angles.size(-1);
  if (pairing == Pairing::kHalves) {
    rotary.sin.narrow(-1, 0, d / 2).neg_();
  } else {
    rotary.sin.slice(-1, 0, d, 2).neg_();
  }
  return rotary;
}

}  // namespace

at::Tensor ResizeLearned(const at::Tensor& table,
                         std::int64_t side,
                         std::int64_t rows,
                         std::int64_t columns,
                         bool antialias) {
  if (rows == side && columns == side) return table;
  const std::int64_t dim = table.size(-1);
  const at::Tensor image = table.view({1, side, side, dim}).permute({0, 3, 1, 2});
  const at::Tensor resized =
      antialias ? at::_upsample_bicubic2d_aa(image, {rows, columns}, /*align_corners=*/false)
                : at::upsample_bicubic2d(image, {rows, columns}, /*align_corners=*/false);
  return resized.permute({0, 2, 3, 1}).reshape({rows * columns, dim});
}

at::Tensor SineTable(std::int64_t tokens, std::int64_t dim) {
  const at::Tensor pair = at::floor(Arange(dim, at::kDouble) / 2) * 2 / static_cast<double>(dim);
  const at::Tensor angle = Arange(tokens, at::kDouble).unsqueeze(1) / at::pow(10000.0, pair);
  at::Tensor table = angle.sin();
  table.slice(1, 1, dim, 2).copy_(angle.slice(1, 1, dim, 2).cos());
  return table.to(at::kFloat);
}

at::Tensor Rotary::Apply(const at::Tensor& v) const {
  const at::Tensor x = v.to(at::kFloat);
  const std::int64_t d = x.size(-1);
  const at::Tensor partner = pairing == Pairing::kHalves
                                 ? x.roll({d / 2}, {-1})
                                 : x.unflatten(-1, {d / 2, 2}).flip({-1}).flatten(-2);
  return (x * cos).addcmul_(partner, sin).to(v.scalar_type());
}

Rotary AxialRotary(const Grid& grid, std::int64_t prefix, std::int64_t head_dim, double theta) {
  const std::int64_t quarter = head_dim / 4;
  // In float32 step by step, as transformers computes it.
  const at::Tensor frequency =
      1 / at::pow(theta, Arange(quarter) * 4 / static_cast<double>(head_dim));
  const auto centres = [](std::int64_t n) { return (Arange(n) + 0.5) / n * 2 - 1; };
  const auto angles = [&](const at::Tensor& c) {
    return 2 * std::numbers::pi * c.unsqueeze(-1) * frequency;
  };
  const at::Tensor y = angles(centres(grid.rows)).unsqueeze(1);
  const at::Tensor x = angles(centres(grid.columns)).unsqueeze(0);
  const std::vector<std::int64_t> shape{grid.rows, grid.columns, quarter};
  const at::Tensor half = at::cat({y.expand(shape), x.expand(shape)}, -1).flatten(0, 1);
  const at::Tensor patches = at::cat({half, half}, -1).repeat({grid.frames, 1});
  return FromAngles(at::cat({at::zeros({prefix, head_dim}), patches}), Pairing::kHalves);
}

Rotary SpaceTimeRotary(std::int64_t tokens,
                       std::int64_t rows,
                       std::int64_t columns,
                       std::int64_t head_dim) {
  const std::int64_t segment = 2 * (head_dim / 3 / 2), half = segment / 2;
  const at::Tensor frequency =
      1 / at::pow(10000.0, Arange(half) / static_cast<double>(std::max<std::int64_t>(half, 1)));
  const at::Tensor index = Arange(tokens, at::kLong);
  const at::Tensor in_frame = index.remainder(rows * columns);
  const at::Tensor positions[] = {index.floor_divide(rows * columns),
                                  in_frame.floor_divide(columns),
                                  in_frame.remainder(columns)};
  at::Tensor angles = at::zeros({tokens, head_dim});
  for (int axis = 0; axis < 3; ++axis) {
    const at::Tensor angle = positions[axis].to(at::kFloat).unsqueeze(1) * frequency;
    angles.narrow(1, axis * segment, segment).copy_(at::cat({angle, angle}, 1));
  }
  return FromAngles(angles, Pairing::kAdjacent);
}

}  // namespace cross4d::vit
