// SPDX-License-Identifier: Apache-2.0
#include "core/protocol/efficiency_options.h"

namespace cross4d::protocol {

const OptionTable<EfficiencyOptions>& EfficiencyTable() {
  static const auto table = [] {
    using O = EfficiencyOptions;
    OptionTable<O> t;
    t.Add("batch", &O::batch, "Clips of a measured batch; fewer clips than that repeat.")
        .Range(1, 4096);
    t.Add("rounds", &O::rounds, "Times that each pass is measured; the fastest counts.")
        .Range(1, 1000);
    return t;
  }();
  return table;
}

}  // namespace cross4d::protocol
