// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

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
  /// features [m, D] float32: the tokens of one clip.
  void Add(const torch::Tensor& features);
  std::int64_t clips() const { return clips_; }
  /// The sums so far, for whoever continues; replaced atomically. `identity`: all they depend on.
  void Save(const std::filesystem::path& file, const std::string& identity) const;
  /// False, and nothing is changed, if there is no such file, or a damaged one, or of another
  /// identity.
  bool Load(const std::filesystem::path& file, const std::string& identity);
  /// Error(kInput) if `to` exceeds D.
  Projection Finish(std::int64_t to) const;

 private:
  std::int64_t rows_ = 0, clips_ = 0;
  torch::Tensor sum_, products_;  // float64 [D], [D, D]
};

}  // namespace cross4d::targets
