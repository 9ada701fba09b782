// SPDX-License-Identifier: Apache-2.0
#include "core/pretext/predictor.h"

#include <cross4d/sdk/error.h>

#include <ATen/ATen.h>

#include <string>

namespace cross4d::pretext {
namespace {

using torch::Tensor;

torch::nn::LayerNorm NormOf(std::int64_t dim) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim}));
}

}  // namespace

PredictorBlockImpl::PredictorBlockImpl(const PredictorShape& s)
    : heads_(s.heads),
      norm1_(NormOf(s.dim)),
      norm2_(NormOf(s.dim)),
      qkv_(s.dim, 3 * s.dim),
      out_(s.dim, s.dim),
      up_(s.dim, s.ffn),
      down_(s.ffn, s.dim) {
  register_module("norm1", norm1_);
  register_module("qkv", qkv_);
  register_module("out", out_);
  register_module("norm2", norm2_);
  register_module("up", up_);
  register_module("down", down_);
}

Tensor PredictorBlockImpl::forward(const Tensor& x) {
  const std::int64_t b = x.size(0), l = x.size(1), c = x.size(2);
  const Tensor qkv = qkv_(norm1_(x)).view({b, l, 3, heads_, c / heads_}).permute({2, 0, 3, 1, 4});
  const Tensor mixed = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  const Tensor y = x + out_(mixed.transpose(1, 2).reshape({b, l, c}));
  return y + down_(at::gelu(up_(norm2_(y))));
}

PredictorImpl::PredictorImpl(const PredictorShape& s) : norm_(NormOf(s.dim)) {
  if (s.dim % s.heads != 0) {
    FailInput("a predictor of " + std::to_string(s.dim) + " channels cannot have " +
              std::to_string(s.heads) + " heads; heads must divide the channels");
  }
  for (std::int64_t i = 0; i < s.depth; ++i) {
    blocks_.push_back(register_module("block" + std::to_string(i), PredictorBlock(s)));
  }
  register_module("norm", norm_);
}

Tensor PredictorImpl::forward(Tensor x) {
  for (PredictorBlock& block : blocks_) x = block(x);
  return norm_(x);
}

Tensor MaskToken(std::int64_t dim) { return at::randn({dim}, at::kFloat) * 0.02; }

}  // namespace cross4d::pretext
