// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

namespace cross4d::vit {

/// Whether this processor multiplies bfloat16 in hardware (avx512_bf16; every processor with AMX
/// has it).
bool CpuHasBfloat16();

/// y = x W^T + b with frozen weights, in the weights' type (float32 or bfloat16).
class Linear {
 public:
  Linear() = default;
  /// weight [out, in], bias [out] of one type; taken over as they are.
  Linear(at::Tensor weight, at::Tensor bias);

  /// x [..., in] of any floating type -> [..., out] in the weights' type.
  at::Tensor operator()(const at::Tensor& x) const;
  /// The same into `out` [rows, out], of the weights' type, for x [rows, in].
  void Into(at::Tensor out, const at::Tensor& x) const;
  /// The same layer in float32.
  Linear Widened() const;
  at::ScalarType dtype() const { return weight_.scalar_type(); }

 private:
  at::Tensor weight_, bias_;
};

}  // namespace cross4d::vit
