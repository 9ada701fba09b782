// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <functional>
#include <vector>

namespace cross4d::p4transformer_seg {

using Tensors = std::vector<torch::Tensor>;

/// A function of tensors. `again`: it was computed before, so that what it leaves behind (running
/// statistics) is there already.
using Body = std::function<torch::Tensor(const Tensors& inputs, bool again)>;

/// body(inputs, false). Where a gradient is wanted, nothing but the inputs is kept for it, and the
/// backward pass computes the body again. The same bits as without.
torch::Tensor Recomputed(const Body& body, const Tensors& inputs);

}  // namespace cross4d::p4transformer_seg
