// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

namespace cross4d::report {

struct Moments {
  std::optional<double> mean;
  std::optional<double> std;  ///< ddof = 1; absent for fewer than two values
};
Moments MomentsOf(const std::vector<double>& values);

/// Two-sided p-value of the paired t-test; nullopt for fewer than two pairs. Differences that are
/// all equal: 1 if they are zero, else 0.
std::optional<double> PairedTTest(const std::vector<double>& a, const std::vector<double>& b);

/// Holm's step-down correction, in the order given.
std::vector<double> HolmCorrect(const std::vector<double>& p_values);

}  // namespace cross4d::report
