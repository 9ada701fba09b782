// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace cross4d::p4transformer {

/// The module at `path` ("transformer.layers.0.fn") below `root`; modules that are missing are
/// made, empty. Parameters get the official state dict's names that way.
torch::nn::Module& ModuleAt(torch::nn::Module& root, const std::string& path);

struct TransformerSizes {
  std::int64_t dim = 0, depth = 0, heads = 0, dim_head = 0, mlp = 0;
  double dropout = 0;
};

/// x = x + GELU(W attention(LN(x)) + b), then x = x + W2 GELU(W1 LN(x) + b1) + b2; GELU with erf.
/// Registers itself as `transformer` below `root`.
class Transformer {
 public:
  Transformer(torch::nn::Module& root, const TransformerSizes& sizes);
  /// x [B, L, dim]; every token sees every other.
  torch::Tensor operator()(torch::Tensor x);

 private:
  struct Layer {
    torch::nn::LayerNorm norm1{nullptr}, norm2{nullptr};
    torch::nn::Linear to_qkv{nullptr}, to_out{nullptr}, up{nullptr}, down{nullptr};
    torch::nn::Dropout dropout{nullptr};
  };
  torch::Tensor Attention(Layer& layer, const torch::Tensor& x);

  std::int64_t heads_;
  std::vector<Layer> layers_;
};

}  // namespace cross4d::p4transformer
