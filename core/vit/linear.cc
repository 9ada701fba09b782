// SPDX-License-Identifier: Apache-2.0
#include "core/vit/linear.h"

#include <utility>

namespace cross4d::vit {

bool CpuHasBfloat16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

Linear::Linear(at::Tensor weight, at::Tensor bias)
    : weight_(std::move(weight)), bias_(std::move(bias)) {}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  return at::linear(x.to(weight_.scalar_type()), weight_, bias_);
}

void Linear::Into(at::Tensor out, const at::Tensor& x) const {
  at::addmm_out(out, bias_, x.to(weight_.scalar_type()), weight_.t());
}

Linear Linear::Widened() const { return {weight_.to(at::kFloat), bias_.to(at::kFloat)}; }

}  // namespace cross4d::vit
