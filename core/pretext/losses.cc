// SPDX-License-Identifier: Apache-2.0
#include "core/pretext/losses.h"

#include "core/pretext/chamfer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace cross4d::pretext {
namespace {

using torch::Tensor;

constexpr std::int64_t kGroupsPerTask = 256;

/// [G, n] index into the m points of `to`.
Tensor NearestIndex(const Tensor& from, const Tensor& to) {
  const Tensor a = from.detach().contiguous(), b = to.detach().contiguous();
  const std::int64_t n = a.size(1), m = b.size(1);
  Tensor index = at::empty({a.size(0), n}, at::kLong);
  at::parallel_for(0, a.size(0), kGroupsPerTask, [&](std::int64_t begin, std::int64_t end) {
    NearestInGroup(a.const_data_ptr<float>() + begin * n * 3,
                   b.const_data_ptr<float>() + begin * m * 3,
                   end - begin,
                   n,
                   m,
                   index.data_ptr<std::int64_t>() + begin * n);
  });
  return index;
}

Tensor MeanSquaredDistance(const Tensor& from, const Tensor& to) {
  const Tensor index = NearestIndex(from, to).unsqueeze(2).expand({-1, -1, 3});
  return (from - to.gather(1, index)).square().sum(2).mean();
}

}  // namespace

Tensor Chamfer(const Tensor& predicted, const Tensor& target) {
  return MeanSquaredDistance(predicted, target) + MeanSquaredDistance(target, predicted);
}

Tensor Unit(const Tensor& x) { return x / x.norm(2, {-1}, true).clamp_min(1e-8); }

double MeanStd(const Tensor& x) {
  const torch::NoGradGuard no_grad;
  const Tensor rows = x.reshape({-1, x.size(-1)});
  return rows.size(0) < 2 ? 0 : rows.std(0, /*unbiased=*/true).mean().item<double>();
}

double MeanCosine(const Tensor& a, const Tensor& b) {
  const torch::NoGradGuard no_grad;
  return at::cosine_similarity(a, b, -1, 1e-8).mean().item<double>();
}

}  // namespace cross4d::pretext
