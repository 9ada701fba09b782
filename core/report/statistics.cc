// SPDX-License-Identifier: Apache-2.0
#include "core/report/statistics.h"

#include <boost/math/distributions/students_t.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace cross4d::report {

Moments MomentsOf(const std::vector<double>& values) {
  Moments m;
  const double n = static_cast<double>(values.size());
  if (values.empty()) return m;
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  m.mean = mean;
  if (values.size() < 2) return m;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  m.std = std::sqrt(squares / (n - 1));
  return m;
}

std::optional<double> PairedTTest(const std::vector<double>& a, const std::vector<double>& b) {
  const std::size_t n = std::min(a.size(), b.size());
  if (n < 2) return std::nullopt;
  std::vector<double> differences;
  for (std::size_t i = 0; i < n; ++i) differences.push_back(a[i] - b[i]);
  const Moments m = MomentsOf(differences);
  if (*m.std == 0) return *m.mean == 0 ? 1.0 : 0.0;
  const double t = *m.mean / (*m.std / std::sqrt(static_cast<double>(n)));
  const boost::math::students_t_distribution<double> distribution(static_cast<double>(n - 1));
  return 2 * boost::math::cdf(boost::math::complement(distribution, std::fabs(t)));
}

std::vector<double> HolmCorrect(const std::vector<double>& p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return p_values[a] < p_values[b];
  });
  std::vector<double> corrected(p_values.size());
  double largest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const double factor = static_cast<double>(order.size() - rank);
    largest = std::max(largest, std::min(1.0, factor * p_values[order[rank]]));
    corrected[order[rank]] = largest;
  }
  return corrected;
}

}  // namespace cross4d::report
