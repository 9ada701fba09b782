// SPDX-License-Identifier: Apache-2.0
#include "transformer.h"

#include <ATen/ATen.h>

namespace cross4d::point4d {

using torch::Tensor;

namespace {

torch::nn::LayerNorm MakeNorm(std::int64_t dim) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim}));
}

}  // namespace

AttentionImpl::AttentionImpl(std::int64_t dim, std::int64_t heads)
    : heads_(heads), qkv_(dim, 3 * dim), out_(dim, dim) {
  register_module("qkv", qkv_);
  register_module("out", out_);
}

Tensor AttentionImpl::forward(const Tensor& x) {
  const std::int64_t b = x.size(0), l = x.size(1), c = x.size(2);
  const Tensor qkv = qkv_(x).view({b, l, 3, heads_, c / heads_}).permute({2, 0, 3, 1, 4});
  const Tensor y = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  return out_(y.transpose(1, 2).reshape({b, l, c}));
}

BlockImpl::BlockImpl(std::int64_t dim, std::int64_t heads, std::int64_t ffn, bool divided) {
  if (divided) {
    norm_time_ = register_module("norm_time", MakeNorm(dim));
    attention_time_ = register_module("attention_time", Attention(dim, heads));
  }
  norm1_ = register_module("norm1", MakeNorm(dim));
  attention_ = register_module("attention", Attention(dim, heads));
  norm2_ = register_module("norm2", MakeNorm(dim));
  up_ = register_module("up", torch::nn::Linear(dim, ffn));
  down_ = register_module("down", torch::nn::Linear(ffn, dim));
}

Tensor BlockImpl::forward(Tensor x, std::int64_t slots) {
  const std::int64_t b = x.size(0), l = x.size(1), c = x.size(2), t = l / slots;
  if (attention_time_) {
    const Tensor by_slot =
        norm_time_(x).view({b, t, slots, c}).transpose(1, 2).reshape({b * slots, t, c});
    x = x + attention_time_(by_slot).view({b, slots, t, c}).transpose(1, 2).reshape({b, l, c});
    x = x + attention_(norm1_(x).view({b * t, slots, c})).view({b, l, c});
  } else {
    x = x + attention_(norm1_(x));
  }
  return x + down_(at::gelu(up_(norm2_(x))));
}

}  // namespace cross4d::point4d
