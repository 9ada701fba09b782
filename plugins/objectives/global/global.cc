// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/plugin.h>

#include <torch/nn/modules/linear.h>

namespace cross4d {
namespace {

struct Options {};

OptionTable<Options> Describe() { return {}; }

/// The paper's coarse baseline: the mean token predicts the teacher's embedding of the whole clip.
class Global final : public Objective {
 public:
  Global(const Options&, const PluginContext&) {}

  void Build(const ObjectiveShape& shape, Student&) override {
    head_ = register_module("head", torch::nn::Linear(shape.student_dim, shape.target_dim));
  }

  ObjectiveOutput Step(Student& student, const TrainBatch& batch, const StepContext&) override {
    ObjectiveOutput out;
    out.predictions = head_->forward(student.Forward(batch.input).features.mean(1));
    const torch::Tensor cosine =
        torch::cosine_similarity(out.predictions, batch.clip_targets, 1, 1e-8).mean();
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
               "global",
               "1.0.0",
               "One teacher embedding per clip: the paper's baseline without dense targets.",
               "",
               "clip-targets",
               cross4d::Global,
               cross4d::Describe)
