// SPDX-License-Identifier: Apache-2.0
#include "short_attention.h"

#include <ATen/ATen.h>
#include <torch/autograd.h>

#include <cmath>

#include "attention_loops.h"
#include "counted_as.h"

namespace cross4d::point4d {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The [L, d] matrices of one clip and head, as views.
struct Head {
  Tensor q, k, v;
  Head(const Tensor& qkv, std::int64_t clip, std::int64_t head, std::int64_t heads) {
    const Tensor all = qkv.select(0, clip);
    const std::int64_t c = all.size(1) / 3, d = c / heads;
    q = all.narrow(1, head * d, d);
    k = all.narrow(1, c + head * d, d);
    v = all.narrow(1, 2 * c + head * d, d);
  }
};

Tensor HeadColumns(const Tensor& x, std::int64_t clip, std::int64_t head, std::int64_t heads) {
  const std::int64_t d = x.size(2) / heads;
  return x.select(0, clip).narrow(1, head * d, d);
}

class ShortAttentionFunction : public torch::autograd::Function<ShortAttentionFunction> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& given, std::int64_t heads, bool keep) {
    const Tensor qkv = given.contiguous();
    const std::int64_t b = qkv.size(0), l = qkv.size(1), c = qkv.size(2) / 3;
    const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(c / heads)));
    const Tensor all = at::empty({keep ? b * heads : 1, l, l}, qkv.options());
    Tensor out = at::empty({b, l, c}, qkv.options());
    for (std::int64_t i = 0; i < b * heads; ++i) {
      const Head head(qkv, i / heads, i % heads, heads);
      Tensor p = all.select(0, keep ? i : 0);
      at::mm_out(p, head.q, head.k.t());
      SoftmaxRows(p.data_ptr<float>(), l, l, scale);
      Tensor y = HeadColumns(out, i / heads, i % heads, heads);
      at::mm_out(y, p, head.v);
    }
    if (keep) ctx->save_for_backward({qkv, all});
    ctx->saved_data["heads"] = heads;
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list saved = ctx->get_saved_variables();
    const Tensor &qkv = saved[0], &all = saved[1], d_out = grads[0].contiguous();
    const std::int64_t heads = ctx->saved_data["heads"].toInt();
    const std::int64_t b = qkv.size(0), l = qkv.size(1), c = qkv.size(2) / 3;
    const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(c / heads)));
    Tensor d_qkv = at::empty_like(qkv);
    Tensor d_scores = at::empty({l, l}, qkv.options());
    for (std::int64_t i = 0; i < b * heads; ++i) {
      const Head head(qkv, i / heads, i % heads, heads);
      Head d_head(d_qkv, i / heads, i % heads, heads);
      const Tensor p = all.select(0, i), dy = HeadColumns(d_out, i / heads, i % heads, heads);
      at::mm_out(d_head.v, p.t(), dy);
      at::mm_out(d_scores, dy, head.v.t());
      SoftmaxRowsBack(p.data_ptr<float>(), d_scores.data_ptr<float>(), l, l, scale);
      at::mm_out(d_head.q, d_scores, head.k);
      at::mm_out(d_head.k, d_scores.t(), head.q);
    }
    return {d_qkv, Tensor(), Tensor()};
  }
};

}  // namespace

bool IsShort(std::int64_t tokens) { return tokens >= 96 && tokens <= 512; }

Tensor ShortAttention(const Tensor& qkv, std::int64_t heads) {
  const std::int64_t b = qkv.size(0), l = qkv.size(1), c = qkv.size(2) / 3;
  const CountedAs counted(4 * b * l * l * c, /*attention=*/true);
  const bool keep = at::GradMode::is_enabled() && qkv.requires_grad();
  return ShortAttentionFunction::apply(qkv, heads, keep);
}

}  // namespace cross4d::point4d
