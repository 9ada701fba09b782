// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/student.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "convolutions.h"
#include "seg_options.h"

namespace cross4d::p4transformer {
class Transformer;
}

namespace cross4d::p4transformer_seg {

/// P4Transformer's segmentation form: four point 4D convolutions, a transformer over what is left
/// of all frames, and four transposed convolutions back to every point. Without the classifier.
class P4TransformerSeg : public Student {
 public:
  P4TransformerSeg(const Options& options, const PluginContext& context);
  ~P4TransformerSeg() override;

  TokenGeometry Tokenize(const torch::Tensor& points) const override;
  StudentOutput Forward(const StudentInput& input) override;
  std::int64_t dim() const override { return 4 * options_.width; }

 private:
  torch::Tensor EncodeTogether(const StudentInput& input);
  torch::Tensor Mix(const torch::Tensor& features);

  Options options_;
  std::vector<PointConvolution> down_;
  std::unique_ptr<p4transformer::Transformer> transformer_;
  std::vector<UpConvolution> up_;  ///< up_[l] gives features to the points below down_[l]
};

}  // namespace cross4d::p4transformer_seg
