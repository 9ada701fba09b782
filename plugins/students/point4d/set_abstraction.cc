// SPDX-License-Identifier: Apache-2.0
#include "set_abstraction.h"

#include <cross4d/sdk/error.h>

#include <ATen/ATen.h>

#include <string>

#include "counted_as.h"

namespace cross4d::point4d {

using torch::Tensor;

SetAbstractionImpl::SetAbstractionImpl(const SetAbstractionShape& shape) : shape_(shape) {
  std::int64_t in = 3 + (shape.absolute ? 3 : 0) + shape.features;
  for (std::size_t l = 0; l < shape.widths.size(); ++l) {
    const std::string name = std::to_string(l);
    linears_.push_back(register_module("linear" + name, torch::nn::Linear(in, shape.widths[l])));
    norms_.push_back(register_module("norm" + name, torch::nn::BatchNorm1d(shape.widths[l])));
    in = shape.widths[l];
  }
}

Tensor SetAbstractionImpl::forward(const Grouping& in) {
  if (is_training() && in.neighbours.numel() < 2) {
    FailInput(
        "point4d: the batch has one group of one neighbour, and BatchNorm needs at least two rows "
        "in training; raise pretrain.batch, the frames, centroids or k");
  }
  return shape_.fused && in.xyz.is_cpu() ? ForwardFused(in) : ForwardPlain(in);
}

Tensor SetAbstractionImpl::ForwardPlain(const Grouping& in) {
  const Tensor rows = in.neighbours.to(at::kLong).view({-1});
  const Tensor centres = in.xyz.index_select(0, in.picks.to(at::kLong));
  const Tensor near = in.xyz.index_select(0, rows);
  const std::int64_t k = in.neighbours.size(1);
  std::vector<Tensor> channels = {(near - centres.repeat_interleave(k, 0)) * shape_.relative_scale};
  if (shape_.absolute) channels.push_back(near);
  if (in.features.defined()) channels.push_back(in.features.index_select(0, rows));
  Tensor x = at::cat(channels, 1);
  const bool follow = choices && choices->row.defined();
  for (std::size_t l = 0; l + 1 < linears_.size(); ++l) {
    const Tensor y = norms_[l](linears_[l](x));
    if (choices && !follow) choices->passed.push_back(y > 0);
    x = follow ? y * choices->passed[l] : y.relu();
  }
  return Pool(norms_.back()(linears_.back()(x)), k);
}

Tensor SetAbstractionImpl::Pool(const Tensor& y, std::int64_t k) {
  const Tensor groups = y.view({-1, k, y.size(1)});
  if (choices && choices->row.defined()) {
    const Tensor taken = groups.gather(1, choices->row.to(at::kLong).unsqueeze(1)).squeeze(1);
    return taken * choices->active;
  }
  const auto [greatest, row] = groups.relu().max(1);
  if (choices) {
    choices->row = row.to(at::kInt);
    choices->active = greatest > 0;
  }
  return greatest;
}

Tensor SetAbstractionImpl::ForwardFused(const Grouping& in) {
  std::int64_t products = 0;  // of a row, in the plain form
  for (const torch::nn::Linear& linear : linears_) products += linear->weight.numel();
  const CountedAs counted(2 * in.neighbours.numel() * products);
  // W [s (p - c), p, f] = (s W_r + W_a) p + W_f f - s W_r c: a part per point and one per centroid.
  const Tensor& weight = linears_[0]->weight;
  const Tensor relative = weight.narrow(1, 0, 3) * shape_.relative_scale;
  const Tensor of_point = shape_.absolute ? relative + weight.narrow(1, 3, 3) : relative;
  GroupedInput grouped;
  grouped.points = at::mm(in.xyz, of_point.t());
  if (in.features.defined()) {
    const Tensor of_feature = weight.narrow(1, weight.size(1) - shape_.features, shape_.features);
    grouped.points = grouped.points + at::mm(in.features, of_feature.t());
  }
  grouped.centres = at::mm(in.xyz.index_select(0, in.picks), relative.t());
  grouped.rows = in.neighbours.view({-1});
  grouped.k = in.neighbours.size(1);
  grouped.groups_per_clip = in.groups_per_clip;
  grouped.batch_statistics = is_training();
  grouped.eps = norms_[0]->options.eps();

  std::vector<GroupedLayer> layers;
  for (std::size_t l = 0; l < linears_.size(); ++l) {
    layers.push_back({l == 0 ? Tensor() : linears_[l]->weight,
                      linears_[l]->bias,
                      norms_[l]->weight,
                      norms_[l]->bias,
                      norms_[l]->running_mean,
                      norms_[l]->running_var});
  }
  std::vector<BatchMoments> moments;
  const Tensor out = GroupedMlp(grouped, layers, &moments, choices.get());

  // The running statistics as BatchNorm keeps them: unbiased variance.
  const torch::NoGradGuard no_grad;
  const double rows = static_cast<double>(in.neighbours.numel());
  for (std::size_t l = 0; l < moments.size(); ++l) {
    const double momentum = norms_[l]->options.momentum().value_or(0.1);
    norms_[l]->running_mean.lerp_(moments[l].mean, momentum);
    norms_[l]->running_var.lerp_(moments[l].variance * (rows / std::max(rows - 1, 1.0)), momentum);
    norms_[l]->num_batches_tracked += 1;
  }
  return out;
}

}  // namespace cross4d::point4d
