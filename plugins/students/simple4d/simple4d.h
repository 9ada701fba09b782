// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/student.h>

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cstdint>
#include <vector>

#include "options.h"

namespace cross4d::simple4d {

/// Pre-norm transformer layer over [B, L, C]: x + attention(norm(x)), then x + ffn(norm(x)), GELU.
class LayerImpl : public torch::nn::Module {
 public:
  LayerImpl(std::int64_t dim, std::int64_t heads, std::int64_t ffn);
  torch::Tensor forward(torch::Tensor x);

 private:
  std::int64_t heads_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  torch::nn::Linear qkv_{nullptr}, out_{nullptr}, up_{nullptr}, down_{nullptr};
};
TORCH_MODULE(Layer);

/// Simple4D: per frame a voxel grid over the clip's cube and three convolutions of stride 2, then a
/// transformer over the cells of all frames.
class Simple4d : public Student {
 public:
  Simple4d(const Options& options, const PluginContext& context);

  TokenGeometry Tokenize(const torch::Tensor& points) const override;
  StudentOutput Forward(const StudentInput& input) override;
  torch::Tensor Embed(const StudentInput& input) override;
  torch::Tensor Encode(const torch::Tensor& tokens,
                       const torch::Tensor& centres,
                       const torch::Tensor& frames) override;
  std::int64_t dim() const override { return options_.dim; }

 private:
  torch::Tensor EmbedTogether(const torch::Tensor& points);
  torch::Tensor EncodeTogether(torch::Tensor x);

  Options options_;
  std::vector<torch::nn::Conv3d> convolutions_;
  std::vector<torch::nn::GroupNorm> norms_;
  torch::nn::Linear project_{nullptr};
  torch::Tensor cell_embedding_;  // [side^3, dim]
  torch::Tensor time_embedding_;  // [time_rows, dim]
  std::vector<Layer> layers_;
  torch::nn::LayerNorm final_norm_{nullptr};
};

}  // namespace cross4d::simple4d
