// SPDX-License-Identifier: Apache-2.0
#include "tube_convolution.h"

#include <cross4d/sdk/error.h>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/autograd.h>

#include <string>
#include <vector>

#include "tube_loops.h"

namespace cross4d::p4transformer {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kGrain = 32;  // groups per piece of work

/// The operations inside count as `flops` (core/eval/flops.h), as those of the plain composition.
class CountedAs {
 public:
  explicit CountedAs(std::int64_t flops) : inputs_{flops}, guard_(at::RecordScope::USER_SCOPE) {
    if (guard_.isActive()) guard_.before("cross4d::flops", &inputs_);
  }

 private:
  std::vector<c10::IValue> inputs_;
  at::RecordFunction guard_;
};

template <class T>
void Run(const Tensor& d, const Tensor& by_row, Tensor& out, Tensor& which) {
  const std::int64_t j = d.size(1), channels = by_row.size(1);
  at::parallel_for(0, d.size(0), kGrain, [&](std::int64_t first, std::int64_t last) {
    GreatestProducts<T>(
        d.data_ptr<T>() + first * j * 4,
        by_row.data_ptr<T>(),
        last - first,
        j,
        channels,
        out.data_ptr<T>() + first * channels,
        which.defined() ? which.data_ptr<std::int16_t>() + first * channels : nullptr);
  });
}

class TubeFunction : public torch::autograd::Function<TubeFunction> {
 public:
  static Tensor forward(AutogradContext* ctx,
                        const Tensor& displacements,
                        const Tensor& weight,
                        bool keep) {
    const Tensor d = displacements.contiguous(), by_row = weight.t().contiguous();
    Tensor out = at::empty({d.size(0), weight.size(0)}, d.options());
    Tensor which = keep ? at::empty(out.sizes(), at::kShort) : Tensor();
    AT_DISPATCH_FLOATING_TYPES(
        d.scalar_type(), "TubeConvolution", [&] { Run<scalar_t>(d, by_row, out, which); });
    if (keep) ctx->save_for_backward({d, by_row, which});
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list saved = ctx->get_saved_variables();
    const Tensor &d = saved[0], &by_row = saved[1], &which = saved[2];
    const Tensor gradient = grads[0].contiguous();
    const std::int64_t groups = d.size(0), j = d.size(1), channels = by_row.size(1);
    const Tensor sums = at::zeros({4, channels}, at::kDouble);
    Tensor d_displacements;
    if (ctx->needs_input_grad(0)) d_displacements = at::zeros_like(d);
    AT_DISPATCH_FLOATING_TYPES(d.scalar_type(), "TubeConvolution", [&] {
      AddWeightGradient(d.data_ptr<scalar_t>(),
                        which.data_ptr<std::int16_t>(),
                        gradient.data_ptr<scalar_t>(),
                        groups,
                        j,
                        channels,
                        sums.data_ptr<double>());
      if (!d_displacements.defined()) return;
      AddDisplacementGradient(by_row.data_ptr<scalar_t>(),
                              which.data_ptr<std::int16_t>(),
                              gradient.data_ptr<scalar_t>(),
                              groups,
                              j,
                              channels,
                              d_displacements.data_ptr<scalar_t>());
    });
    return {d_displacements, sums.t().to(d.scalar_type()), Tensor()};
  }
};

void CheckShapes(const Tensor& d, const Tensor& weight) {
  const bool good = d.dim() == 3 && d.size(2) == 4 && d.size(1) > 0 && d.size(1) < 32768 &&
                    weight.dim() == 2 && weight.size(1) == 4 &&
                    weight.scalar_type() == d.scalar_type();
  if (!good) {
    throw Error(ErrorCode::kInternal,
                "p4transformer: displacements must be [groups, neighbours, 4] and weights "
                "[channels, 4] of one type");
  }
}

}  // namespace

Tensor TubeConvolution(const Tensor& displacements, const Tensor& weight) {
  CheckShapes(displacements, weight);
  const CountedAs counted(8 * displacements.size(0) * displacements.size(1) * weight.size(0));
  const bool keep =
      at::GradMode::is_enabled() && (displacements.requires_grad() || weight.requires_grad());
  return TubeFunction::apply(displacements, weight, keep);
}

Tensor TubeConvolutionPlain(const Tensor& displacements, const Tensor& weight) {
  CheckShapes(displacements, weight);
  return std::get<0>(at::matmul(displacements, weight.t()).max(1));
}

}  // namespace cross4d::p4transformer
