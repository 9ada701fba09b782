// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/option.h>

#include <cstdint>

namespace cross4d::protocol {

inline constexpr const char* kEfficiency = "efficiency";

/// [[evaluate]] protocol = "efficiency": what the student costs, not what it has learnt. It reads
/// the encoder itself, where the other protocols read embeddings.
struct EfficiencyOptions {
  std::int64_t batch = 4;
  std::int64_t rounds = 3;
};
const OptionTable<EfficiencyOptions>& EfficiencyTable();

}  // namespace cross4d::protocol
