// SPDX-License-Identifier: Apache-2.0
#include "vicreg.h"

#include "core/pretext/losses.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>

#include <ATen/ATen.h>

#include <numbers>
#include <string>

namespace cross4d::vicreg {
namespace {

using torch::Tensor;

constexpr double kEpsilon = 1e-4;

Tensor VarianceTerm(const Tensor& x) {
  return at::relu(1 - at::sqrt(x.var(0, /*unbiased=*/true) + kEpsilon)).mean();
}

Tensor CovarianceTerm(const Tensor& x) {
  const Tensor centred = x - x.mean(0);
  const Tensor covariance = centred.t().mm(centred) / static_cast<double>(x.size(0) - 1);
  const Tensor off_diagonal = covariance - at::diag(covariance.diagonal());
  return off_diagonal.square().sum() / static_cast<double>(x.size(1));
}

}  // namespace

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("expander",
        &Options::expander,
        "Widths of the expander's layers; all but the last have BatchNorm and ReLU.")
      .Range(1, 16384);
  t.Add("invariance", &Options::invariance, "Weight of the invariance term.").Range(0, 1e4);
  t.Add("variance", &Options::variance, "Weight of the variance term.").Range(0, 1e4);
  t.Add("covariance", &Options::covariance, "Weight of the covariance term.").Range(0, 1e4);
  t.Add("scale", &Options::scale, "Factor on a view's coordinates, drawn between these two.")
      .Range(0.01, 100);
  t.Add("rotation", &Options::rotation, "Greatest turn of a view about the z axis, either way.")
      .Unit("deg")
      .Range(0, 180);
  t.Preset(
      "paper", "The published expander; 136 million parameters on 256 channels.", [](Options& o) {
        o.expander = {8192, 8192, 8192};
      });
  return t;
}

Vicreg::Vicreg(const Options& options, const PluginContext& /*context*/) : options_(options) {
  if (options.expander.empty()) FailInput("vicreg: option expander needs at least one width");
  if (options.scale.size() != 2 || options.scale[0] > options.scale[1]) {
    FailInput("vicreg: option scale must be two numbers, the lower one first, as in [0.8, 1.25]");
  }
}

void Vicreg::Build(const ObjectiveShape& shape, Student& /*student*/) {
  std::int64_t width = shape.student_dim;
  for (std::size_t i = 0; i < options_.expander.size(); ++i) {
    const bool last = i + 1 == options_.expander.size();
    const auto shape_of_layer = torch::nn::LinearOptions(width, options_.expander[i]).bias(!last);
    layers_.push_back(
        register_module("expander" + std::to_string(i), torch::nn::Linear(shape_of_layer)));
    width = options_.expander[i];
    if (!last) {
      norms_.push_back(register_module("norm" + std::to_string(i), torch::nn::BatchNorm1d(width)));
    }
  }
}

StudentInput DrawView(const StudentInput& input,
                      const std::vector<double>& scale,
                      double rotation_deg,
                      const torch::Generator& generator) {
  for (const auto& [name, tensor] : input.extra) {
    if (!tensor.is_floating_point()) continue;
    FailInput("vicreg: the student caches '" + name +
              "', which is not made of whole numbers; a view that is turned would not fit it");
  }
  const std::int64_t clips = input.points.size(0);
  const Tensor drawn = at::rand({2, clips}, generator, at::kFloat);
  const Tensor factor = drawn[0] * (scale[1] - scale[0]) + scale[0];
  const Tensor angle = (drawn[1] * 2 - 1) * (rotation_deg * std::numbers::pi / 180);
  const Tensor c = angle.cos() * factor, s = angle.sin() * factor, o = at::zeros_like(c);
  // Row vectors: p' = p R^T.
  const Tensor turn = at::stack({c, s, o, s.neg(), c, o, o, o, factor}, 1).view({clips, 3, 3});
  StudentInput view = input;
  view.points = input.points.flatten(1, 2).bmm(turn).view(input.points.sizes());
  view.centres = input.centres.bmm(turn);
  return view;
}

Terms TermsOf(const Tensor& a, const Tensor& b) {
  return {at::mse_loss(a, b),
          (VarianceTerm(a) + VarianceTerm(b)) / 2,
          CovarianceTerm(a) + CovarianceTerm(b)};
}

Tensor Vicreg::Expand(Tensor x) {
  for (std::size_t i = 0; i < norms_.size(); ++i) x = at::relu(norms_[i](layers_[i](x)));
  return layers_.back()(x);
}

ObjectiveOutput Vicreg::Step(Student& student,
                             const TrainBatch& batch,
                             const StepContext& context) {
  const auto embed = [&] {
    return student
        .Forward(DrawView(batch.input, options_.scale, options_.rotation, context.generator))
        .features.mean(1);
  };
  const Tensor first = embed(), second = embed();
  ObjectiveOutput out;
  for (const char* name : {"cosine", "covariance", "invariance", "variance"})
    out.monitors[name] = 0;
  if (first.size(0) < 2) {
    // One clip has neither variance nor BatchNorm statistics; the gradient is zero, not missing.
    out.loss = (first + second).sum() * 0;
    return out;
  }
  const Tensor a = Expand(first), b = Expand(second);
  const Terms terms = TermsOf(a, b);
  out.loss = options_.invariance * terms.invariance + options_.variance * terms.variance +
             options_.covariance * terms.covariance;
  out.predictions = a;
  out.monitors["cosine"] = pretext::MeanCosine(a, b);
  out.monitors["covariance"] = terms.covariance.item<double>();
  out.monitors["invariance"] = terms.invariance.item<double>();
  out.monitors["variance"] = terms.variance.item<double>();
  return out;
}

}  // namespace cross4d::vicreg

CROSS4D_PLUGIN(objective,
               Objective,
               "vicreg",
               "1.0.0",
               "Variance, invariance, covariance between two views of a clip (VICReg).",
               "",
               "",
               cross4d::vicreg::Vicreg,
               cross4d::vicreg::DescribeOptions)
