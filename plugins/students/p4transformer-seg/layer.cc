// SPDX-License-Identifier: Apache-2.0
#include "layer.h"

#include <cross4d/sdk/error.h>

#include <ATen/ATen.h>
#include <torch/nn/init.h>

#include <cmath>
#include <vector>

#include "transformer.h"

namespace cross4d::p4transformer_seg {

using torch::Tensor;

Layer::Layer(torch::nn::Module& root,
             const std::string& path,
             std::int64_t number,
             std::int64_t in,
             std::int64_t out,
             std::int64_t sides) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(sides), 1);
  shape[0] = out;
  shape[1] = in;
  torch::nn::Module& parent = p4transformer::ModuleAt(root, path);
  weight_ = p4transformer::ModuleAt(parent, std::to_string(number))
                .register_parameter("weight", at::empty(shape));
  torch::nn::init::kaiming_uniform_(weight_, std::sqrt(5.0));  // as LibTorch's convolutions
  norm_ = parent.register_module(std::to_string(number + 1), torch::nn::BatchNorm1d(out));
}

Tensor Layer::Weight() const { return weight_.view({weight_.size(0), weight_.size(1)}); }

Tensors Layer::ScaleAndShift() const { return {norm_->weight, norm_->bias}; }

Tensors Layer::Values() const { return {Weight(), norm_->weight, norm_->bias}; }

Tensor Layer::Apply(const Tensor& x, const Tensor* values, Statistics which) const {
  return Activate(at::linear(x, values[0]), values + 1, which);
}

Tensor Layer::Activate(const Tensor& x, const Tensor* scale_and_shift, Statistics which) const {
  if (which != Statistics::kStored && x.size(0) < 2) {
    FailInput(
        "p4transformer-seg: the batch has one point, and BatchNorm needs at least two rows in "
        "training; give frames of more points or batches of more clips");
  }
  const bool stored = which != Statistics::kOfBatchAgain;
  const Tensor normed = at::batch_norm(x,
                                       scale_and_shift[0],
                                       scale_and_shift[1],
                                       stored ? norm_->running_mean : Tensor(),
                                       stored ? norm_->running_var : Tensor(),
                                       which != Statistics::kStored,
                                       0.1,
                                       1e-5,
                                       false);
  return normed.relu();
}

}  // namespace cross4d::p4transformer_seg
