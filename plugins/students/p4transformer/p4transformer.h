// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/student.h>

#include <torch/nn/modules/conv.h>

#include <cstdint>
#include <memory>

#include "options.h"
#include "transformer.h"

namespace cross4d::p4transformer {

/// P4Transformer's encoder: one point 4D convolution over every second frame, positions, and a
/// transformer over the tokens of all of them. Without the classifier's head.
class P4Transformer : public Student {
 public:
  P4Transformer(const Options& options, const PluginContext& context);

  TokenGeometry Tokenize(const torch::Tensor& points) const override;
  StudentOutput Forward(const StudentInput& input) override;
  torch::Tensor Embed(const StudentInput& input) override;
  torch::Tensor Encode(const torch::Tensor& tokens,
                       const torch::Tensor& centres,
                       const torch::Tensor& frames) override;
  std::int64_t dim() const override { return options_.dim; }

 private:
  torch::Tensor EmbedTogether(const StudentInput& input);
  torch::Tensor EncodeTogether(const torch::Tensor& tokens);

  Options options_;
  torch::nn::Conv2d tube_{nullptr};
  torch::nn::Conv1d position_{nullptr};
  std::unique_ptr<Transformer> transformer_;
  torch::nn::LayerNorm final_norm_{nullptr};
};

}  // namespace cross4d::p4transformer
