// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/grid/plan_graph.h"
#include "core/results/result_store.h"

#include <string>
#include <vector>

namespace cross4d::launch {

struct SettingProblems {
  std::vector<std::string> refused;  ///< settings that a plugin does not take, a sentence each
  std::vector<std::string> faults;   ///< a plugin threw something else, or took the worker with it
};

/// What only plugin code can say: a worker makes every distinct student and objective of these
/// stages with its options, once each (data sets and teachers would touch data and weights). If all
/// can be made, every distinct combination of student, objective, clip size (options `frames` and
/// `points` of the data set, where it has them) and targets takes one step on a made-up clip. The
/// questions end with the first plugin that kills the worker.
SettingProblems AskAboutSettings(const grid::PlanGraph& graph,
                                 const std::vector<int>& stages,
                                 const std::string& worker_program);

/// A location is not part of a key. Where a data set or a teacher lies elsewhere than when its
/// stages were recorded, a worker compares the content's fingerprint: a difference is refused.
SettingProblems AskAboutLocations(const grid::PlanGraph& graph,
                                  results::ResultStore& results,
                                  const std::string& worker_program);

}  // namespace cross4d::launch
