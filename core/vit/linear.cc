// SPDX-License-Identifier: Apache-2.0
#include "core/vit/linear.h"

#include <utility>

namespace cross4d::vit {

Linear::Linear(at::Tensor weight, at::Tensor bias)
    : weight_(std::move(weight)), bias_(std::move(bias)) {}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  return at::linear(x.to(weight_.scalar_type()), weight_, bias_);
}

}  // namespace cross4d::vit
