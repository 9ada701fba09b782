// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace cross4d::targets {

/// y = (x - mean) matrix: teacher features [m, D] to target vectors [m, d].
struct Projection {
  torch::Tensor matrix;  ///< [D, d] float32
  torch::Tensor mean;    ///< [D] float32; undefined = not centred (random projection)

  torch::Tensor Apply(const torch::Tensor& features) const;
};

/// Entries N(0, 1/d), drawn from `seed` alone: the same on every machine.
Projection RandomProjection(std::int64_t from, std::int64_t to, std::uint64_t seed);

/// The `to` directions of largest variance of all rows given to Add, in falling order. Signs are
/// fixed: the entry of largest magnitude of each direction is positive.
class PcaFit {
 public:
  explicit PcaFit(std::int64_t dim);
  /// features [m, D] float32.
  void Add(const torch::Tensor& features);
  /// Error(kInput) if `to` exceeds D.
  Projection Finish(std::int64_t to) const;

 private:
  std::int64_t rows_ = 0;
  torch::Tensor sum_, products_;  // float64 [D], [D, D]
};

}  // namespace cross4d::targets
