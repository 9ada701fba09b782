// SPDX-License-Identifier: Apache-2.0
#include "transformer.h"

#include <ATen/ATen.h>

#include "short_attention.h"

namespace cross4d::point4d {

using torch::Tensor;

namespace {

torch::nn::LayerNorm MakeNorm(std::int64_t dim) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim}));
}

}  // namespace

AttentionImpl::AttentionImpl(std::int64_t dim, std::int64_t heads, bool fused)
    : heads_(heads), fused_(fused), qkv_(dim, 3 * dim), out_(dim, dim) {
  register_module("qkv", qkv_);
  register_module("out", out_);
}

Tensor AttentionImpl::forward(const Tensor& x) {
  const std::int64_t b = x.size(0), l = x.size(1), c = x.size(2);
  const Tensor all = qkv_(x);
  if (fused_ && x.is_cpu() && IsShort(l)) return out_(ShortAttention(all, heads_));
  const Tensor qkv = all.view({b, l, 3, heads_, c / heads_}).permute({2, 0, 3, 1, 4});
  const Tensor y = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  return out_(y.transpose(1, 2).reshape({b, l, c}));
}

BlockImpl::BlockImpl(const BlockShape& s) {
  if (s.divided) {
    norm_time_ = register_module("norm_time", MakeNorm(s.dim));
    attention_time_ = register_module("attention_time", Attention(s.dim, s.heads, s.fused));
  }
  norm1_ = register_module("norm1", MakeNorm(s.dim));
  attention_ = register_module("attention", Attention(s.dim, s.heads, s.fused));
  norm2_ = register_module("norm2", MakeNorm(s.dim));
  up_ = register_module("up", torch::nn::Linear(s.dim, s.ffn));
  down_ = register_module("down", torch::nn::Linear(s.ffn, s.dim));
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
