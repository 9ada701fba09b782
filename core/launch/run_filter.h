// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/grid/plan_graph.h"

#include <string>
#include <vector>

namespace cross4d::launch {

/// `--only EXPR`: comma-separated conditions, all of which must hold.
///   key=value    key!=value    key=a|b
/// key: any resolved option ("objective.plugin", "targets.dim"), `seed`, `block`, or `key` (a
/// prefix of the run's key).
class RunFilter {
 public:
  RunFilter() = default;  ///< keeps every run
  /// Throws Error(kInput) on a condition without '='.
  explicit RunFilter(const std::string& expression);

  bool Keeps(const grid::PlannedRun& run) const;
  bool empty() const { return conditions_.empty(); }
  /// Throws Error(kInput) when a condition names a key that no run has (with the nearest one).
  void CheckKeys(const grid::PlanGraph& graph) const;

 private:
  struct Condition {
    std::string key;
    bool equal = true;
    std::vector<std::string> values;
  };
  std::vector<Condition> conditions_;
};

/// Indices of the runs that `filter` keeps, in plan order.
std::vector<int> SelectRuns(const grid::PlanGraph& graph, const RunFilter& filter);

}  // namespace cross4d::launch
