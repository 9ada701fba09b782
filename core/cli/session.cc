// SPDX-License-Identifier: Apache-2.0
#include "core/cli/session.h"

#include "core/base/file.h"
#include "core/config/load.h"
#include "core/grid/expand.h"
#include "core/launch/deep_check.h"
#include "core/protocol/core_options.h"
#include "core/protocol/efficiency_options.h"

#include <cross4d/sdk/error.h>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>

namespace cross4d::cli {

std::shared_ptr<const config::OptionCatalog> MakeCatalog(const plugin::Discovery& plugins) {
  auto catalog = std::make_shared<config::OptionCatalog>();
  catalog->sections["targets"] = protocol::TargetsTable().schema();
  catalog->sections["pretrain"] = protocol::PretrainTable().schema();
  catalog->protocols["linear-probe"] = protocol::LinearProbeTable().schema();
  catalog->protocols[protocol::kEfficiency] = protocol::EfficiencyTable().schema();
  catalog->plugins = plugins.usable;
  for (base::PluginDescription& plugin : catalog->plugins) {
    if (plugin.role == "dataset") plugin.options.options.push_back(protocol::PackOption());
  }
  return catalog;
}

std::vector<PlannedExperiment> PlanExperiments(
    const ExperimentOptions& options, std::shared_ptr<const config::OptionCatalog> catalog) {
  std::vector<PlannedExperiment> planned;
  base::Diagnostics diagnostics;
  for (const std::string& file : config::ExperimentFiles(options.paths)) {
    config::LoadRequest request;
    request.file = file;
    request.set = options.set;
    if (!options.seeds.empty()) request.seeds = config::ParseSeeds(options.seeds);
    std::optional<config::Experiment> experiment = config::Load(request, catalog, diagnostics);
    if (!experiment) continue;
    grid::PlanGraph graph = grid::Expand(*experiment, diagnostics);
    nlohmann::json tables = nlohmann::json::array();
    for (const config::TableDefinition& table : experiment->tables) {
      tables.push_back(table.definition);
    }
    planned.push_back({std::move(*experiment), std::move(graph), tables.dump()});
  }
  if (!diagnostics.empty()) fmt::print(stderr, "{}", diagnostics.Render());
  if (diagnostics.HasErrors()) {
    const auto all = diagnostics.Sorted();
    const auto errors = std::count_if(all.begin(), all.end(), [](const base::Diagnostic& d) {
      return d.severity == base::Severity::kError;
    });
    FailInput(fmt::format("{} error{}; nothing was run", errors, errors == 1 ? "" : "s"));
  }
  return planned;
}

namespace {

void CheckSameLocations(const grid::StageNode& first,
                        const grid::StageNode& second,
                        std::set<std::string>* conflicts) {
  for (const auto& [role, plugin] : second.plugins()) {
    const std::string message = grid::LocationConflict(role, *first.plugins().at(role), *plugin);
    if (!message.empty()) conflicts->insert(message);
  }
}

}  // namespace

const grid::PlanGraph& Whole(const std::vector<PlannedExperiment>& experiments,
                             grid::PlanGraph& merged) {
  if (experiments.size() == 1) return experiments.front().graph;
  std::map<std::string, int> by_key;
  std::set<std::string> conflicts;
  for (const PlannedExperiment& planned : experiments) {
    merged.experiment += (merged.experiment.empty() ? "" : ", ") + planned.graph.experiment;
    std::vector<int> index;
    for (grid::StageNode stage : planned.graph.stages) {
      for (auto& [kind, input] : stage.inputs) input = index[input];
      const auto [found, added] = by_key.emplace(stage.key, static_cast<int>(merged.stages.size()));
      index.push_back(found->second);
      if (!added) CheckSameLocations(merged.stages[found->second], stage, &conflicts);
      if (added) merged.stages.push_back(std::move(stage));
    }
    for (grid::PlannedRun run : planned.graph.runs) {
      for (grid::RunStage& stage : run.stages) stage.stage = index[stage.stage];
      merged.runs.push_back(std::move(run));
    }
  }
  RefuseAll("these experiment files contradict each other", {conflicts.begin(), conflicts.end()});
  return merged;
}

void RefuseAll(const std::string& what, const std::vector<std::string>& problems) {
  if (problems.empty()) return;
  std::string text;
  for (const std::string& problem : problems) text += "\n  " + problem;
  FailInput(what + ":" + text);
}

void CheckSettings(const grid::PlanGraph& graph, const launch::PlanView& view, bool with_faults) {
  auto [problems, faults] = launch::AskAboutSettings(graph, view.Open(), WorkerProgram());
  if (with_faults) problems.insert(problems.end(), faults.begin(), faults.end());
  RefuseAll("settings that a plugin refuses", problems);
}

void CheckLocations(const grid::PlanGraph& graph, results::ResultStore& results) {
  auto [problems, faults] = launch::AskAboutLocations(graph, results, WorkerProgram());
  problems.insert(problems.end(), faults.begin(), faults.end());
  RefuseAll("results recorded here were computed from something else", problems);
}

std::string WorkerProgram() {
  return (base::ExecutablePath().parent_path() / "cross4d-worker").string();
}

bool StyledOutput() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(1) && !(no_color && *no_color);
}

}  // namespace cross4d::cli
