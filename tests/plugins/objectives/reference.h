// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/student.h>

#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

/// Straight-line float64 forms of what the objectives compute, written down once more, and a
/// student small enough to be written down too.
namespace cross4d::test {

/// Tokens are points; Embed is a linear layer on place and time, Encode mixes in the mean.
class SmallStudent final : public Student {
 public:
  explicit SmallStudent(std::int64_t dim);
  TokenGeometry Tokenize(const torch::Tensor& points) const override;
  StudentOutput Forward(const StudentInput& input) override;
  torch::Tensor Embed(const StudentInput& input) override;
  torch::Tensor Encode(const torch::Tensor& tokens,
                       const torch::Tensor& centres,
                       const torch::Tensor& frames) override;
  std::int64_t dim() const override { return dim_; }

 private:
  std::int64_t dim_;
  torch::nn::Linear embed_{nullptr}, mix_{nullptr};
};

/// Clips of made-up points; the tokens are the first `per_frame` points of each frame.
StudentInput MakeInput(std::int64_t clips,
                       std::int64_t frames,
                       std::int64_t points,
                       std::int64_t per_frame);

ObjectiveShape ShapeFor(std::int64_t dim);
StepContext ContextOf(std::int64_t step, std::int64_t total, std::uint64_t seed);

/// One step of training: Step, gradient descent, AfterStep; the loss.
torch::Tensor TrainStep(Objective& objective,
                        Student& student,
                        const TrainBatch& batch,
                        const StepContext& context);
/// What a checkpoint restores: parameters and buffers of `from`, by name.
void CopyState(const torch::nn::Module& from, torch::nn::Module& to);

/// A module's parameters as float64 leaves, by name.
using Weights = std::map<std::string, torch::Tensor>;
Weights DoubleOf(const torch::nn::Module& module);

torch::Tensor RefLinear(const Weights& w, const std::string& name, const torch::Tensor& x);
torch::Tensor RefNorm(const torch::Tensor& x);
torch::Tensor RefGelu(const torch::Tensor& x);
/// pretext::Predictor.
torch::Tensor RefPredictor(const Weights& w,
                           const std::string& name,
                           std::int64_t depth,
                           std::int64_t heads,
                           torch::Tensor x);
/// SmallStudent's halves.
torch::Tensor RefEmbed(const Weights& w, const StudentInput& input);
torch::Tensor RefEncode(const Weights& w, const torch::Tensor& tokens);
/// pretext::PlacesOf.
torch::Tensor RefPlaces(const StudentInput& input);
/// rows[b][index[b][k]], clip by clip.
torch::Tensor RefTake(const torch::Tensor& rows, const torch::Tensor& index);
/// Chamfer distance of [G, n, 3] and [G, m, 3] by all pairs.
torch::Tensor RefChamfer(const torch::Tensor& a, const torch::Tensor& b);
torch::Tensor RefCosine(const torch::Tensor& a, const torch::Tensor& b);

/// Largest |a - b| relative to the largest |b|, both as float64.
double Difference(const torch::Tensor& a, const torch::Tensor& b);
/// The module's gradients and those of its float64 copies agree to `tolerance`; names what differs.
std::string CompareGradients(const torch::nn::Module& module,
                             const Weights& weights,
                             double tolerance);

}  // namespace cross4d::test
