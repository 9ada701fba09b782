// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/cli/common_options.h"
#include "core/config/catalog.h"
#include "core/config/experiment.h"
#include "core/grid/plan_graph.h"
#include "core/launch/plan_view.h"
#include "core/plugin/discover.h"
#include "core/results/result_store.h"

#include <memory>
#include <string>
#include <vector>

namespace cross4d::cli {

/// The core's option tables and those of the usable plugins.
std::shared_ptr<const config::OptionCatalog> MakeCatalog(const plugin::Discovery& plugins);

/// One experiment file, read and expanded.
struct PlannedExperiment {
  config::Experiment experiment;
  grid::PlanGraph graph;
  std::string tables;  ///< JSON array of the [[table]] definitions
};

/// Reads every file, prints all their errors and warnings to standard error; throws Error(kInput)
/// if there was an error.
std::vector<PlannedExperiment> PlanExperiments(
    const ExperimentOptions& options, std::shared_ptr<const config::OptionCatalog> catalog);

/// The experiments as one plan: stages with equal keys become one. A single experiment's graph is
/// given back as it is, otherwise `merged` is filled. Throws Error(kInput) if two of them want what
/// the key says is one and the same from different places.
const grid::PlanGraph& Whole(const std::vector<PlannedExperiment>& experiments,
                             grid::PlanGraph& merged);

/// Throws Error(kInput) with `what` and every problem on a line of its own, if there are any.
void RefuseAll(const std::string& what, const std::vector<std::string>& problems);

/// Asks a worker about the plugin settings of the stages that are to be executed; throws
/// Error(kInput) with everything that is refused. Faults (a plugin that crashes) count for a deep
/// plan; in a run they are left to their own stages, so that the others go on.
void CheckSettings(const grid::PlanGraph& graph, const launch::PlanView& view, bool with_faults);

/// Compares fingerprints where data or weights lie elsewhere than recorded; throws Error(kInput)
/// with every difference, so that old results never pass for those of other data.
void CheckLocations(const grid::PlanGraph& graph, results::ResultStore& results);

/// The path of cross4d-worker: beside this program.
std::string WorkerProgram();

/// Standard output is a terminal and NO_COLOR is not set.
bool StyledOutput();

}  // namespace cross4d::cli
