// SPDX-License-Identifier: Apache-2.0
#include "core/eval/flops.h"

#include <ATen/core/Tensor.h>
#include <ATen/record_function.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::eval {
namespace {

using Inputs = c10::ArrayRef<const c10::IValue>;

struct Operation {
  double flops = 0;
  bool attention = false;
};

/// What is being counted in this thread; operations inside of a counted one are part of it.
struct Counter {
  FlopCount count;
  int inside = 0;
};
thread_local Counter* counter = nullptr;

const at::Tensor& TensorAt(Inputs inputs, std::size_t i) { return inputs[i].toTensor(); }

double Size(const at::Tensor& tensor, std::int64_t dim) {
  return static_cast<double>(tensor.size(dim));
}

double Count(const at::Tensor& tensor) { return static_cast<double>(tensor.numel()); }

/// [.., m, k] with [.., k, n].
Operation Product(Inputs inputs, std::size_t first) {
  const at::Tensor &a = TensorAt(inputs, first), &b = TensorAt(inputs, first + 1);
  return {2 * Count(a) * (b.dim() > 1 ? Size(b, -1) : 1)};
}

/// input [.., k], weight [n, k].
Operation Linear(Inputs inputs) {
  const at::Tensor& weight = TensorAt(inputs, 1);
  return {2 * Count(TensorAt(inputs, 0)) * (weight.dim() > 1 ? Size(weight, 0) : 1)};
}

/// input, weight, bias, stride, padding, dilation, transposed, output padding, groups.
Operation Convolution(Inputs inputs) {
  const at::Tensor &input = TensorAt(inputs, 0), &weight = TensorAt(inputs, 1);
  const auto stride = inputs[3].toIntVector(), padding = inputs[4].toIntVector(),
             dilation = inputs[5].toIntVector();
  const double products_per_value = Count(weight) / Size(weight, 0);
  if (inputs[6].toBool()) return {2 * Count(input) * products_per_value};
  double values = Size(input, 0) * Size(weight, 0);
  for (std::int64_t i = 2; i < input.dim(); ++i) {
    const auto at = [i](const std::vector<std::int64_t>& list) {
      return list.size() == 1 ? list[0] : list[static_cast<std::size_t>(i) - 2];
    };
    const std::int64_t reach = at(dilation) * (weight.size(i) - 1) + 1;
    values *= static_cast<double>((input.size(i) + 2 * at(padding) - reach) / at(stride) + 1);
  }
  return {2 * values * products_per_value};
}

/// q [.., l, e], k [.., s, e], v [.., s, f].
Operation Attention(Inputs inputs) {
  const at::Tensor &q = TensorAt(inputs, 0), &k = TensorAt(inputs, 1), &v = TensorAt(inputs, 2);
  const double pairs = Count(q) / Size(q, -1) * Size(k, -2);
  return {2 * pairs * (Size(q, -1) + Size(v, -1)), true};
}

Operation Said(Inputs inputs) {
  return {static_cast<double>(inputs[0].toInt()), inputs.size() > 1 && inputs[1].toBool()};
}

using Formula = Operation (*)(Inputs);
const std::map<std::string_view, Formula>& Formulas() {
  static const std::map<std::string_view, Formula> formulas = {
      {"aten::mm", [](Inputs i) { return Product(i, 0); }},
      {"aten::bmm", [](Inputs i) { return Product(i, 0); }},
      {"aten::mv", [](Inputs i) { return Product(i, 0); }},
      {"aten::addmm", [](Inputs i) { return Product(i, 1); }},
      {"aten::_addmm_activation", [](Inputs i) { return Product(i, 1); }},
      {"aten::addbmm", [](Inputs i) { return Product(i, 1); }},
      {"aten::baddbmm", [](Inputs i) { return Product(i, 1); }},
      {"aten::addmv", [](Inputs i) { return Product(i, 1); }},
      {"aten::linear", Linear},
      {"aten::convolution", Convolution},
      {"aten::scaled_dot_product_attention", Attention},
      {"aten::_scaled_dot_product_flash_attention_for_cpu", Attention},
      {"aten::_scaled_dot_product_flash_attention", Attention},
      {"aten::_scaled_dot_product_efficient_attention", Attention},
      {"cross4d::flops", Said}};
  return formulas;
}

struct Inside : at::ObserverContext {};

std::unique_ptr<at::ObserverContext> Start(const at::RecordFunction& function) {
  if (counter == nullptr) return nullptr;
  if (counter->inside == 0) {
    const auto found = Formulas().find(function.name());
    if (found == Formulas().end()) return nullptr;
    const Operation operation = found->second(function.inputs());
    counter->count.all += operation.flops;
    if (operation.attention) counter->count.attention += operation.flops;
  }
  ++counter->inside;
  return std::make_unique<Inside>();
}

void End(const at::RecordFunction& /*function*/, at::ObserverContext* context) {
  if (context != nullptr && counter != nullptr) --counter->inside;
}

/// Counts while it lives.
class Counting {
 public:
  explicit Counting(Counter& own) : before_(counter) {
    counter = &own;
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback(Start, End)
            .needsInputs(true)
            .scopes({at::RecordScope::FUNCTION, at::RecordScope::USER_SCOPE}));
  }
  ~Counting() {
    at::removeCallback(handle_);
    counter = before_;
  }
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;

 private:
  Counter* before_;
  at::CallbackHandle handle_{};
};

}  // namespace

FlopCount CountFlops(const std::function<void()>& work) {
  Counter own;
  const Counting counting(own);
  work();
  return own.count;
}

}  // namespace cross4d::eval
