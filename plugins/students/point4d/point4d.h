// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/student.h>

#include <cstdint>
#include <vector>

#include "options.h"
#include "set_abstraction.h"
#include "transformer.h"

namespace cross4d::point4d {

/// Point4D: per frame two set abstractions, then a transformer over the tokens of all frames.
class Point4d : public Student {
 public:
  Point4d(const Options& options, const PluginContext& context);

  TokenGeometry Tokenize(const torch::Tensor& points) const override;
  StudentOutput Forward(const StudentInput& input) override;
  torch::Tensor Embed(const StudentInput& input) override;
  torch::Tensor Encode(const torch::Tensor& tokens,
                       const torch::Tensor& centres,
                       const torch::Tensor& frames) override;
  std::int64_t dim() const override { return options_.dim; }

 private:
  /// Embed and Encode of a whole batch at once.
  torch::Tensor EmbedTogether(const StudentInput& input);
  torch::Tensor EncodeTogether(torch::Tensor x, const torch::Tensor& frames);
  void CheckFrames(const torch::Tensor& points) const;
  /// What the transformer adds to a token for its centre [B, T, m2, 3] and frame: [B, L, C].
  torch::Tensor Position(const torch::Tensor& centres);

  Options options_;
  SetAbstraction first_{nullptr}, second_{nullptr};
  torch::nn::Linear project_{nullptr};  // only where the last width is not the transformer's
  torch::nn::Linear position_in_{nullptr}, position_out_{nullptr};
  torch::Tensor time_embedding_;  // [time_rows, dim]; position = xyz only
  std::vector<Block> blocks_;
  torch::nn::LayerNorm final_norm_{nullptr};
};

}  // namespace cross4d::point4d
