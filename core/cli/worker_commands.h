// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace cross4d::cli {

/// Becomes `cross4d-worker ARGUMENTS…`; returns only by throwing Error(kEnvironment).
[[noreturn]] void BecomeWorker(const std::vector<std::string>& arguments);

}  // namespace cross4d::cli
