// SPDX-License-Identifier: Apache-2.0
#include "recomputed.h"

#include <ATen/ATen.h>
#include <torch/autograd.h>

#include <algorithm>

namespace cross4d::p4transformer_seg {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class RecomputedFunction : public torch::autograd::Function<RecomputedFunction> {
 public:
  static Tensor forward(AutogradContext* ctx, at::TensorList inputs, const Body& body) {
    ctx->save_for_backward(inputs.vec());
    ctx->saved_data["body"] = c10::IValue::make_capsule(c10::make_intrusive<Holder>(body));
    return body(inputs.vec(), false);
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto holder = ctx->saved_data["body"].toCapsule();
    const Body& body = static_cast<const Holder&>(*holder).body;
    const variable_list saved = ctx->get_saved_variables();
    Tensors inputs, wanted;
    for (std::size_t i = 0; i < saved.size(); ++i) {
      inputs.push_back(saved[i].detach());
      if (ctx->needs_input_grad(i)) wanted.push_back(inputs.back().requires_grad_());
    }
    const at::AutoGradMode with_gradient(true);
    const variable_list found = torch::autograd::grad({body(inputs, true)}, wanted, {gradients[0]});
    variable_list out(saved.size() + 1);  // none for the body
    for (std::size_t i = 0, next = 0; i < saved.size(); ++i) {
      if (ctx->needs_input_grad(i)) out[i] = found[next++];
    }
    return out;
  }

 private:
  struct Holder : torch::CustomClassHolder {
    explicit Holder(Body b) : body(std::move(b)) {}
    Body body;
  };
};

}  // namespace

Tensor Recomputed(const Body& body, const Tensors& inputs) {
  const bool wanted = std::any_of(
      inputs.begin(), inputs.end(), [](const Tensor& input) { return input.requires_grad(); });
  if (!wanted || !at::GradMode::is_enabled()) return body(inputs, false);
  return RecomputedFunction::apply(at::TensorList(inputs), body);
}

}  // namespace cross4d::p4transformer_seg
