// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/types.h>

#include <cstdint>
#include <string>

#include "recomputed.h"

namespace cross4d::p4transformer_seg {

/// What BatchNorm divides by: its stored statistics; those of the rows at hand, which also enter
/// the stored ones; or the same once more, where they have entered already.
enum class Statistics { kStored, kOfBatch, kOfBatchAgain };

/// ReLU(BatchNorm(W x)), no bias: what both convolutions are made of. The weight is registered
/// below `root` as <path>.<number>, BatchNorm as <path>.<number + 1>.
class Layer {
 public:
  /// `sides` of the stored weight: [out, in, 1] or [out, in, 1, 1], as the official modules have.
  Layer(torch::nn::Module& root,
        const std::string& path,
        std::int64_t number,
        std::int64_t in,
        std::int64_t out,
        std::int64_t sides);

  /// W [out, in].
  torch::Tensor Weight() const;
  /// BatchNorm's scale and shift [out].
  Tensors ScaleAndShift() const;
  /// Weight, scale, shift.
  Tensors Values() const;

  /// The layer with given values in place of its own; x [rows, in].
  torch::Tensor Apply(const torch::Tensor& x, const torch::Tensor* values, Statistics which) const;
  /// Without the product: x [rows, out].
  torch::Tensor Activate(const torch::Tensor& x,
                         const torch::Tensor* scale_and_shift,
                         Statistics which) const;

 private:
  torch::Tensor weight_;
  torch::nn::BatchNorm1d norm_{nullptr};
};

}  // namespace cross4d::p4transformer_seg
