// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config/experiment.h"
#include "core/grid/plan_graph.h"

#include <optional>
#include <string>
#include <vector>

namespace cross4d::grid {

/// An experiment that the toy catalog knows, without a grid; append to it.
extern const char* const kBase;

/// Writes `text` to a file, loads and expands it; throws std::runtime_error with the messages if
/// there is an error.
PlanGraph ExpandText(const std::string& text, const std::vector<std::string>& set = {});

std::vector<std::string> RunKeys(const PlanGraph& graph);
/// Keys of all stages of one kind, in order.
std::vector<std::string> StageKeys(const PlanGraph& graph, const std::string& kind);

}  // namespace cross4d::grid
