// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/record_function.h>

#include <cstdint>
#include <vector>

namespace cross4d::point4d {

/// While it lives, the host's FLOP counter takes `flops`, what the plain composition would cost,
/// for whatever is computed (core/eval/flops.h). Costs nothing when nobody counts.
class CountedAs {
 public:
  explicit CountedAs(std::int64_t flops, bool attention = false)
      : inputs_{flops, attention}, guard_(at::RecordScope::USER_SCOPE) {
    if (guard_.isActive()) guard_.before("cross4d::flops", &inputs_);
  }

 private:
  std::vector<c10::IValue> inputs_;
  at::RecordFunction guard_;
};

}  // namespace cross4d::point4d
