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
  torch::Tensor forward(const torch::Tensor& x);

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

/// Pre-norm transformer layer: x + attention(norm(x)), then x + ffn(norm(x)) with GELU.
class BlockImpl : public torch::nn::Module {
 public:
  explicit BlockImpl(const BlockShape& shape);
  /// x [B, T * slots, C], token t * slots + s.
  torch::Tensor forward(torch::Tensor x, std::int64_t slots);

 private:
  torch::nn::LayerNorm norm1_{nullptr}, norm_time_{nullptr}, norm2_{nullptr};
  Attention attention_{nullptr}, attention_time_{nullptr};
  torch::nn::Linear up_{nullptr}, down_{nullptr};
};
TORCH_MODULE(Block);

}  // namespace cross4d::point4d
