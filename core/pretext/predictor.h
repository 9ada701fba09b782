// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace cross4d::pretext {

struct PredictorShape {
  std::int64_t dim = 0, depth = 0, heads = 0, ffn = 0;
};

/// x + attention(norm1(x)), then x + ffn(norm2(x)) with GELU; biases everywhere.
class PredictorBlockImpl : public torch::nn::Module {
 public:
  explicit PredictorBlockImpl(const PredictorShape& shape);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  std::int64_t heads_;
  torch::nn::LayerNorm norm1_, norm2_;
  torch::nn::Linear qkv_, out_, up_, down_;
};
TORCH_MODULE(PredictorBlock);

/// The transformer that fills in hidden tokens: `depth` blocks and a LayerNorm, [B, L, dim] to the
/// same. Error(kInput) when heads do not divide dim.
class PredictorImpl : public torch::nn::Module {
 public:
  explicit PredictorImpl(const PredictorShape& shape);
  torch::Tensor forward(torch::Tensor x);

 private:
  std::vector<PredictorBlock> blocks_;
  torch::nn::LayerNorm norm_;
};
TORCH_MODULE(Predictor);

/// A learned vector [dim], normal with standard deviation 0.02: what stands for a hidden token.
torch::Tensor MaskToken(std::int64_t dim);

}  // namespace cross4d::pretext
