// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/diagnostics.h"
#include "core/config/experiment.h"
#include "core/grid/plan_graph.h"

namespace cross4d::grid {

/// The experiment's runs (blocks and axes in the file's order, seeds innermost) and their stages
/// with content keys. A pure function of the experiment and its catalog. What only a combination
/// shows (a broken rule between options, a missing required option, an objective that the student
/// does not fit) goes to `diagnostics`; such combinations are left out of the result.
PlanGraph Expand(const config::Experiment& experiment, base::Diagnostics& diagnostics);

}  // namespace cross4d::grid
