// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/plugin.h>

#include <torch/nn/modules/linear.h>

namespace cross4d {
namespace {

struct Options {};

OptionTable<Options> Describe() { return {}; }

/// Paper, Eq. 5: the head of each token whose nearest point is visible points in the direction of
/// that point's teacher feature.
class Dense final : public Objective {
 public:
  Dense(const Options&, const PluginContext&) {}

  void Build(const ObjectiveShape& shape, Student&) override {
    head_ = register_module("head", torch::nn::Linear(shape.student_dim, shape.target_dim));
  }

  ObjectiveOutput Step(Student& student, const TrainBatch& batch, const StepContext&) override {
    const torch::Tensor features = student.Forward(batch.input).features.flatten(0, 1);
    const torch::Tensor rows = batch.token_visible.flatten().nonzero().squeeze(1);
    ObjectiveOutput out;
    out.monitors["visible"] =
        static_cast<double>(rows.numel()) / static_cast<double>(batch.token_visible.numel());
    if (rows.numel() == 0) {
      // Nothing to learn from; the gradient is zero, not missing.
      out.loss = head_->forward(features).sum() * 0;
      out.monitors["cosine"] = 0;
      return out;
    }
    out.predictions = head_->forward(features.index_select(0, rows));
    const torch::Tensor targets = batch.token_targets.flatten(0, 1).index_select(0, rows);
    const torch::Tensor cosine = torch::cosine_similarity(out.predictions, targets, 1, 1e-8).mean();
    out.loss = -cosine;
    out.monitors["cosine"] = cosine.item<double>();
    return out;
  }

 private:
  torch::nn::Linear head_{nullptr};
};

}  // namespace
}  // namespace cross4d

CROSS4D_PLUGIN(objective,
               Objective,
               "dense",
               "1.0.0",
               "One teacher feature per visible token (paper, Eq. 5): the method itself.",
               "",
               "token-targets",
               cross4d::Dense,
               cross4d::Describe)
