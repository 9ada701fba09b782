// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <cstdint>

namespace cross4d::point4d {

/// Multi-head self-attention over the second dimension of [B, L, C], with biases.
class AttentionImpl : public torch::nn::Module {
 public:
  AttentionImpl(std::int64_t dim, std::int64_t heads, bool fused);
  /// `mask` [B, 1, L, L] bool, true where a token sees another; undefined: all see all.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask = {});

 private:
  std::int64_t heads_;
  bool fused_;
  torch::nn::Linear qkv_, out_;
};
TORCH_MODULE(Attention);

struct BlockShape {
  std::int64_t dim = 0, heads = 0, ffn = 0;
  bool divided = false;  ///< two attentions: over the frames of each slot, then within each frame
  bool fused = true;     ///< short sequences on the CPU take ShortAttention
};

/// Which tokens divided attention brings together. Joint attention needs none of it.
struct TokenLayout {
  std::int64_t slots = 0;  ///< all tokens are there: token t * slots + s is slot s of frame t
  /// With slots 0, some of the tokens: [B, 1, L, L] bool.
  torch::Tensor same_slot, same_frame;
};

/// The layout of the tokens of `frames` [B, L] int64, of which a whole frame has `slots`. Where
/// tokens are missing, a token's slot is its rank among those of its frame.
TokenLayout LayOut(const torch::Tensor& frames, std::int64_t slots);

/// Pre-norm transformer layer: x + attention(norm(x)), then x + ffn(norm(x)) with GELU.
class BlockImpl : public torch::nn::Module {
 public:
  explicit BlockImpl(const BlockShape& shape);
  /// x [B, L, C].
  torch::Tensor forward(torch::Tensor x, const TokenLayout& layout);

 private:
  torch::Tensor Divided(torch::Tensor x, const TokenLayout& layout);

  torch::nn::LayerNorm norm1_{nullptr}, norm_time_{nullptr}, norm2_{nullptr};
  Attention attention_{nullptr}, attention_time_{nullptr};
  torch::nn::Linear up_{nullptr}, down_{nullptr};
};
TORCH_MODULE(Block);

}  // namespace cross4d::point4d
