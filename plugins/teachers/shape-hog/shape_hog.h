// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/option.h>
#include <cross4d/sdk/teacher.h>

#include <cstdint>

namespace cross4d::shape_hog {

struct Options {
  bool motion = false;
  std::int64_t units = 0;
  bool centred = true;
  std::int64_t seed = 0;
};

OptionTable<Options> DescribeOptions();

/// A teacher without weights: hand-made cell features and one fixed layer of random ReLU units,
/// both z-scored with statistics of the training split; see README.md.
class ShapeHog : public Teacher {
 public:
  ShapeHog(const Options& options, const PluginContext& context);

  TeacherTraits traits() const override;
  bool needs_fit() const override { return true; }
  void Fit(const FrameSource& train) override;
  torch::Tensor Encode(const torch::Tensor& frames) override;

 private:
  /// frames [T, 3, H, W] -> [T, G_h, G_w, inputs of the random layer], not yet z-scored.
  torch::Tensor Inputs(const torch::Tensor& frames) const;
  /// z-scored inputs [rows, inputs] -> random ReLU units [rows, D].
  torch::Tensor Hidden(const torch::Tensor& inputs) const;

  Options options_;
  torch::Tensor weight_, bias_;               ///< [inputs, D], [D]
  torch::Tensor input_mean_, input_scale_;    ///< [inputs]; scale = 1 / std
  torch::Tensor hidden_mean_, hidden_scale_;  ///< [D]
};

}  // namespace cross4d::shape_hog
