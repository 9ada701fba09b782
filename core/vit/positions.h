// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

/// The four ways in which the teachers tell a token where it is.
namespace cross4d::vit {

/// Tokens of one clip in time, rows and columns; their order is frame, row, column.
struct Grid {
  std::int64_t frames = 1, rows = 1, columns = 1;
  std::int64_t tokens() const { return frames * rows * columns; }
  bool operator==(const Grid&) const = default;
};

/// DINOv2: a learned table [side*side, D] resized to [rows*columns, D]: bicubic, corners not
/// aligned, the scale from the sizes, as transformers does it (antialias with registers only).
at::Tensor ResizeLearned(const at::Tensor& table,
                         std::int64_t side,
                         std::int64_t rows,
                         std::int64_t columns,
                         bool antialias);

/// VideoMAE: sin (even channels) and cos (odd channels) of n / 10000^(2 floor(k/2) / D), one index
/// n over frames, rows and columns. float64 rounded once to float32 [tokens, D].
at::Tensor SineTable(std::int64_t tokens, std::int64_t dim);

/// How the two channels of a rotated pair lie in a head.
enum class Pairing {
  kHalves,    ///< channel i with i + d/2 (DINOv3)
  kAdjacent,  ///< channel 2i with 2i + 1 (V-JEPA 2)
};

/// Rotates queries and keys: out = v cos + partner(v) sin, partner = (-v_b, v_a) of each pair (a,
/// b).
struct Rotary {
  Pairing pairing = Pairing::kHalves;
  at::Tensor cos, sin;  ///< [N, d] float32; sin carries the partner's sign

  /// v [B, heads, N, d]; computed in float32, returned in v's type.
  at::Tensor Apply(const at::Tensor& v) const;
};

/// DINOv3: patch centres scaled to [-1, 1] per axis, angles 2 pi [y f, x f] with f_j =
/// theta^(-4j/d), tiled twice. The `prefix` tokens before the patches are not rotated (angle 0).
Rotary AxialRotary(const Grid& grid, std::int64_t prefix, std::int64_t head_dim, double theta);

/// V-JEPA 2: three segments of s = 2 floor(floor(d/3)/2) channels turn with frame, row and column;
/// the rest stays. Angles are tiled within a segment although pairs are adjacent: a known slip of
/// the published models that their weights were trained with. The position of token n is read from
/// a grid of `rows` x `columns`: that of the input, or (transformers' rule) that of the configured
/// crop size.
Rotary SpaceTimeRotary(std::int64_t tokens,
                       std::int64_t rows,
                       std::int64_t columns,
                       std::int64_t head_dim);

}  // namespace cross4d::vit
