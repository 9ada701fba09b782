// SPDX-License-Identifier: Apache-2.0
#include "core/cli/command.h"
#include "core/cli/common_options.h"
#include "core/cli/session.h"
#include "core/cli/text_table.h"
#include "core/launch/machine.h"
#include "core/launch/plan_view.h"
#include "core/launch/run_filter.h"
#include "core/launch/stage_specs.h"
#include "core/results/result_store.h"
#include "core/store/store.h"

#include <cross4d/sdk/error.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

namespace cross4d::cli {
namespace {

using nlohmann::json;

struct PlanOptions {
  ExperimentOptions experiments;
  DatabaseOptions database;
  StoreOptions store;
  PluginFolderOptions plugins;
  std::string redo;
  bool deep = false;
  bool json = false;
};

void PrintJson(const grid::PlanGraph& graph,
               const launch::Labels& labels,
               const launch::PlanView& view) {
  json runs = json::array(), stages = json::array();
  for (const launch::RunView& run : view.runs) {
    const grid::PlannedRun& planned = graph.runs[run.run];
    json axes = json::object();
    for (const auto& [path, value] : planned.axes()) axes[path] = value;
    json row = {{"key", planned.key},
                {"state", run.state},
                {"reason", run.reason},
                {"label", labels.runs[run.run]},
                {"block", planned.block()},
                {"seed", planned.seed},
                {"axes", std::move(axes)},
                {"stages", planned.stages.size()},
                {"stages_done", run.done},
                {"stages_open", run.open}};
    if (!run.cause.empty()) row["cause"] = run.cause;
    if (!run.stage.empty()) row["stage"] = run.stage;
    runs.push_back(std::move(row));
  }
  for (std::size_t i = 0; i < view.stages.size(); ++i) {
    const launch::StageView& stage = view.stages[i];
    if (stage.standing == launch::Standing::kIdle) continue;
    stages.push_back(
        {{"key", graph.stages[i].key},
         {"kind", graph.stages[i].kind},
         {"label", labels.stages[i]},
         {"state", launch::StandingName(stage.standing)},
         {"recorded", stage.status.known ? results::StateName(stage.status.state) : ""},
         {"cause", stage.status.cause},
         {"attempts", stage.status.attempt},
         {"stale", stage.stale},
         {"artifact_gone", stage.gone}});
  }
  fmt::print("{}\n",
             json{{"experiment", graph.experiment}, {"runs", runs}, {"stages", stages}}.dump(1));
}

void PrintText(const grid::PlanGraph& graph,
               const launch::Labels& labels,
               const launch::PlanView& view) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(view.runs.size());
  for (const launch::RunView& run : view.runs) {
    rows.push_back(
        {graph.runs[run.run].key.substr(0, 8), run.state, labels.runs[run.run], run.reason});
  }
  const std::string table = TextTable({"key", "state", "run", "reason"}, rows);
  std::fwrite(table.data(), 1, table.size(), stdout);
  std::string counts;
  for (const auto& [state, count] : view.RunCounts())
    counts += fmt::format(", {} {}", count, state);
  const auto stages = view.StageCounts();
  const auto open = stages.find("open");
  fmt::print("\n{}: {} runs{}; {} stages to execute\n",
             graph.experiment,
             view.runs.size(),
             counts,
             open == stages.end() ? 0 : open->second);
}

// A run never chooses its teacher's type by the machine, so the plan says what would be quick.
void PrintBfloat16(const grid::PlanGraph& graph) {
  for (const grid::StageNode& stage : graph.stages) {
    const auto teacher = stage.plugins().find("teacher");
    if (teacher == stage.plugins().end() || !teacher->second->options.contains("dtype")) continue;
    fmt::print("teacher.dtype: bf16 {} on this machine\n",
               launch::ReadMachine().fast_bf16 ? "is fast" : "has no fast arithmetic");
    return;
  }
}

int Plan(const PlanOptions& options) {
  const plugin::Discovery plugins = plugin::Discover(options.plugins.folders);
  const auto experiments = PlanExperiments(options.experiments, MakeCatalog(plugins));
  grid::PlanGraph merged;
  const grid::PlanGraph& graph = Whole(experiments, merged);
  const launch::RunFilter filter = options.experiments.only.empty()
                                       ? launch::RunFilter()
                                       : launch::RunFilter(options.experiments.only);
  std::optional<results::ResultStore> results;
  if (std::filesystem::exists(options.database.db)) {
    results = results::ResultStore::Open(options.database.db, results::OpenMode::kRead);
  }
  const launch::PlanRequest request{options.redo == "stale", options.redo == "failed"};
  const launch::PlanView view = launch::ViewPlan(graph,
                                                 launch::SelectRuns(graph, filter),
                                                 results ? &*results : nullptr,
                                                 store::Store(options.store.store),
                                                 request);
  if (options.deep && results) CheckLocations(graph, *results);
  if (options.deep) CheckSettings(graph, view, /*with_faults=*/true);
  const launch::Labels labels = launch::MakeLabels(graph);
  if (options.json) {
    PrintJson(graph, labels, view);
  } else {
    PrintText(graph, labels, view);
    PrintBfloat16(graph);
  }
  return kOk;
}

}  // namespace

void DefinePlan(CLI::App& app, Action& action) {
  auto options = std::make_shared<PlanOptions>();
  options->experiments.Define(app);
  options->database.Define(app);
  options->store.Define(app);
  options->plugins.Define(app);
  app.add_option("--redo", options->redo, "As run --redo would: stale or failed")
      ->check(CLI::IsMember({"stale", "failed"}));
  app.add_flag("--deep", options->deep, "Let a worker check what only plugin code can");
  DefineJson(app, options->json);
  app.callback([&action, options] { action = [options] { return Plan(*options); }; });
}

}  // namespace cross4d::cli
