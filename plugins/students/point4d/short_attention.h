// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace cross4d::point4d {

/// Whether ShortAttention is the faster form for `tokens` tokens: a head's [L, L] probabilities fit
/// in the second-level cache, and there are enough of them to outweigh the calls.
bool IsShort(std::int64_t tokens);

/// Scaled dot-product attention for short sequences on the CPU: qkv [B, L, 3 C] (queries, keys,
/// values, heads side by side) -> [B, L, C], float32. It keeps the probabilities for the backward
/// pass, where at::scaled_dot_product_attention computes them again, and works on the heads in
/// place, without copies. Equal to it up to rounding; one thread; deterministic; clips do not see
/// each other.
torch::Tensor ShortAttention(const torch::Tensor& qkv, std::int64_t heads);

}  // namespace cross4d::point4d
