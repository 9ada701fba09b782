// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace cross4d::launch {

/// What this machine is, as far as the kernel says without a driver library.
struct Machine {
  std::string host;
  std::string cpu;         ///< model name
  bool fast_bf16 = false;  ///< the processor multiplies bf16 in hardware
  std::vector<std::string> gpus;
};
Machine ReadMachine();

}  // namespace cross4d::launch
