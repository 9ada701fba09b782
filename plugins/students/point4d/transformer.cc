// SPDX-License-Identifier: Apache-2.0
#include "transformer.h"

#include <ATen/ATen.h>

#include <optional>

#include "short_attention.h"

namespace cross4d::point4d {

using torch::Tensor;

namespace {

torch::nn::LayerNorm MakeNorm(std::int64_t dim) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim}));
}

std::optional<Tensor> OptionalMask(const Tensor& mask) {
  return mask.defined() ? std::optional<Tensor>(mask) : std::nullopt;
}

/// Whether each run of `slots` tokens is one frame, and no two runs are the same one.
bool IsWhole(const Tensor& frames, std::int64_t slots) {
  const std::int64_t b = frames.size(0), l = frames.size(1);
  if (l % slots != 0) return false;
  const Tensor runs = frames.view({b, l / slots, slots});
  const Tensor first = runs.select(2, 0);
  return (runs == first.unsqueeze(2)).all().item<bool>() &&
         (first.slice(1, 1) > first.slice(1, 0, -1)).all().item<bool>();
}

}  // namespace

AttentionImpl::AttentionImpl(std::int64_t dim, std::int64_t heads, bool fused)
    : heads_(heads), fused_(fused), qkv_(dim, 3 * dim), out_(dim, dim) {
  register_module("qkv", qkv_);
  register_module("out", out_);
}

Tensor AttentionImpl::forward(const Tensor& x, const Tensor& mask) {
  const std::int64_t b = x.size(0), l = x.size(1), c = x.size(2);
  const Tensor all = qkv_(x);
  if (fused_ && !mask.defined() && x.is_cpu() && IsShort(l)) {
    return out_(ShortAttention(all, heads_));
  }
  const Tensor qkv = all.view({b, l, 3, heads_, c / heads_}).permute({2, 0, 3, 1, 4});
  const Tensor y = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], OptionalMask(mask));
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

Tensor BlockImpl::forward(Tensor x, const TokenLayout& layout) {
  x = attention_time_ ? Divided(x, layout) : x + attention_(norm1_(x));
  return x + down_(at::gelu(up_(norm2_(x))));
}

Tensor BlockImpl::Divided(Tensor x, const TokenLayout& layout) {
  if (layout.slots == 0) {
    x = x + attention_time_(norm_time_(x), layout.same_slot);
    return x + attention_(norm1_(x), layout.same_frame);
  }
  const std::int64_t b = x.size(0), l = x.size(1), c = x.size(2);
  const std::int64_t slots = layout.slots, t = l / slots;
  const Tensor by_slot =
      norm_time_(x).view({b, t, slots, c}).transpose(1, 2).reshape({b * slots, t, c});
  x = x + attention_time_(by_slot).view({b, slots, t, c}).transpose(1, 2).reshape({b, l, c});
  return x + attention_(norm1_(x).view({b * t, slots, c})).view({b, l, c});
}

TokenLayout LayOut(const Tensor& frames, std::int64_t slots) {
  if (IsWhole(frames, slots)) return {slots, {}, {}};
  const Tensor same_frame = frames.unsqueeze(2) == frames.unsqueeze(1);
  const Tensor rank = same_frame.tril(-1).sum(2);
  const Tensor same_slot = rank.unsqueeze(2) == rank.unsqueeze(1);
  return {0, same_slot.unsqueeze(1), same_frame.unsqueeze(1)};
}

}  // namespace cross4d::point4d
