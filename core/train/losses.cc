// SPDX-License-Identifier: Apache-2.0
#include "core/train/losses.h"

namespace cross4d::train {
namespace {

constexpr double kGamma = 1.0, kEpsilon = 1e-4;

}  // namespace

torch::Tensor VarianceHinge(const torch::Tensor& predictions) {
  if (predictions.size(0) < 2) return torch::zeros({}, predictions.options());
  const torch::Tensor deviation = torch::sqrt(predictions.var(0, /*unbiased=*/true) + kEpsilon);
  return torch::relu(kGamma - deviation).mean();
}

Spread MeasureSpread(const torch::Tensor& predictions) {
  const torch::NoGradGuard no_grad;
  if (predictions.size(0) < 2) return {};
  const torch::Tensor centred = (predictions - predictions.mean(0)).to(torch::kFloat64);
  const torch::Tensor covariance =
      centred.t().mm(centred) / static_cast<double>(predictions.size(0) - 1);
  Spread spread;
  spread.feature_std = covariance.diagonal().clamp_min(0).sqrt().mean().item<double>();
  const torch::Tensor values = torch::linalg_eigvalsh(covariance).clamp_min(0);
  const double sum = values.sum().item<double>();
  if (sum > 0) {
    const torch::Tensor share = values / sum;
    spread.effective_rank = std::exp(-torch::xlogy(share, share).sum().item<double>());
  }
  return spread;
}

}  // namespace cross4d::train
