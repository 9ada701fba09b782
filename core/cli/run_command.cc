// SPDX-License-Identifier: Apache-2.0
#include "core/cli/command.h"
#include "core/cli/common_options.h"
#include "core/cli/git.h"
#include "core/cli/session.h"
#include "core/launch/machine.h"
#include "core/launch/plan_view.h"
#include "core/launch/run_filter.h"
#include "core/launch/scheduler.h"
#include "core/launch/stage_specs.h"
#include "core/report/table.h"
#include "core/results/result_store.h"
#include "core/store/store.h"

#include <cross4d/sdk/error.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>

namespace cross4d::cli {
namespace {

constexpr std::size_t kShownFailures = 20;

struct RunOptions {
  ExperimentOptions experiments;
  DatabaseOptions database;
  StoreOptions store;
  PluginFolderOptions plugins;
  std::string redo;
  launch::RunSettings settings;
};

// What one call of `run` is about.
struct Work {
  const grid::PlanGraph& graph;
  launch::Labels labels;
  std::vector<int> selected;
  launch::PlanRequest request;
};

void CheckInputs(const Work& work, const launch::PlanView& view) {
  RefuseAll("what the runs need is not there; nothing was run",
            launch::FindMissingInputs(work.graph, view.Open()));
}

void PrintSummary(const Work& work,
                  const launch::PlanView& view,
                  const launch::RunOutcome& outcome) {
  std::string counts;
  for (const auto& [state, count] : view.RunCounts()) {
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, state);
  }
  fmt::print(stderr,
             "{}: {} runs: {}; {} stages executed{}\n",
             work.graph.experiment,
             view.runs.size(),
             counts,
             outcome.executed,
             outcome.adopted ? fmt::format(", {} adopted", outcome.adopted) : "");
  std::size_t shown = 0;
  for (const launch::RunView& run : view.runs) {
    if (run.state != "failed" && run.state != "blocked") continue;
    if (++shown > kShownFailures) {
      fmt::print(stderr, "  … (cross4d plan shows all)\n");
      break;
    }
    fmt::print(stderr,
               "  {}  {}  {}\n",
               work.graph.runs[run.run].key.substr(0, 8),
               work.labels.runs[run.run],
               run.reason);
  }
}

int ExitCodeOf(const launch::PlanView& view, const launch::RunOutcome& outcome) {
  if (outcome.interrupted) return kInterrupted;
  const bool all = std::all_of(view.runs.begin(), view.runs.end(), [](const launch::RunView& run) {
    return run.state == "done" || run.state == "stale";
  });
  return all ? kOk : kSomeFailed;
}

// What is recorded with every attempt.
results::Environment DescribeEnvironment(const std::string& source) {
  const launch::Machine machine = launch::ReadMachine();
  const GitState git = ReadGitState(std::filesystem::path(source).parent_path());
  results::Environment environment;
  environment.git_revision = git.revision;
  environment.git_dirty = git.dirty;
  environment.host = machine.host;
  environment.cpu = machine.cpu;
  if (!machine.gpus.empty()) environment.gpu = machine.gpus.front();
  environment.libtorch = CROSS4D_LIBTORCH_VERSION;
  environment.cuda = CROSS4D_CUDA_VERSION;
  return environment;
}

launch::RunOutcome Execute(const RunOptions& options,
                           const Work& work,
                           const launch::PlanView& view,
                           const store::Store& store,
                           results::ResultStore& results,
                           const std::string& source) {
  const std::size_t open =
      std::count_if(view.stages.begin(), view.stages.end(), [](const launch::StageView& stage) {
        return stage.standing == launch::Standing::kOpen ||
               stage.standing == launch::Standing::kRunning;
      });
  CheckLocations(work.graph, results);
  if (open == 0) return {};
  CheckSettings(work.graph, view, /*with_faults=*/false);
  launch::RunSettings settings = options.settings;
  settings.workers = std::min(settings.workers, static_cast<int>(open));
  settings.environment = DescribeEnvironment(source);
  launch::StopSignals signals;
  launch::Display display(launch::Display::ForStandardError(settings.workers));
  launch::Scheduler scheduler(
      work.graph, work.labels, view, store, results, settings, display, signals);
  return scheduler.Run();
}

int Run(const RunOptions& options) {
  const plugin::Discovery plugins = plugin::Discover(options.plugins.folders);
  const auto experiments = PlanExperiments(options.experiments, MakeCatalog(plugins));
  const store::Store store(std::filesystem::absolute(options.store.store));
  grid::PlanGraph merged;
  Work work{
      Whole(experiments, merged), {}, {}, {options.redo == "stale", options.redo == "failed"}};
  work.labels = launch::MakeLabels(work.graph);
  const std::string& only = options.experiments.only;
  work.selected =
      launch::SelectRuns(work.graph, only.empty() ? launch::RunFilter() : launch::RunFilter(only));

  const bool fresh = !std::filesystem::exists(options.database.db);
  const auto view_plan = [&](results::ResultStore* results) {
    return launch::ViewPlan(work.graph, work.selected, results, store, work.request);
  };
  if (fresh) CheckInputs(work, view_plan(nullptr));
  auto results = results::ResultStore::Open(options.database.db, results::OpenMode::kWrite);
  const auto lock = store::StoreLock::Share(store);
  store.RegisterDatabase(std::filesystem::absolute(options.database.db));
  launch::PlanView view = view_plan(&results);
  CheckInputs(work, view);
  for (const PlannedExperiment& planned : experiments) {
    results.RecordPlan(
        launch::PlanToRecord(planned.graph, planned.experiment.file, planned.tables).record());
  }

  const launch::RunOutcome outcome =
      Execute(options, work, view, store, results, experiments.front().experiment.file);
  work.request = {};
  view = view_plan(&results);
  PrintSummary(work, view, outcome);
  std::vector<report::Table> tables;
  for (const PlannedExperiment& planned : experiments) {
    for (report::Table& table : report::BuildExperimentTables(results, planned.experiment.name)) {
      tables.push_back(std::move(table));
    }
  }
  if (!tables.empty()) {
    const std::string text = report::Render(tables, {report::Format::kText, StyledOutput(), false});
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  return ExitCodeOf(view, outcome);
}

}  // namespace

void DefineRun(CLI::App& app, Action& action) {
  auto options = std::make_shared<RunOptions>();
  options->experiments.Define(app);
  options->database.Define(app);
  options->store.Define(app);
  options->plugins.Define(app);
  launch::RunSettings& settings = options->settings;
  settings.workers = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  app.add_option("--workers", settings.workers, "Worker processes; default: the number of cores")
      ->check(CLI::Range(1, 1024));
  app.add_option("--threads",
                 settings.threads,
                 "Threads of each worker; tokens, features and targets use those of all")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--device", settings.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_flag("--fail-fast", settings.fail_fast, "Stop after the first failure");
  app.add_option(
         "--redo",
         options->redo,
         "stale: compute again what another build of a plugin made; failed: try again what failed")
      ->check(CLI::IsMember({"stale", "failed"}));
  app.callback([&action, options] {
    options->settings.worker_program = WorkerProgram();
    action = [options] { return Run(*options); };
  });
}

}  // namespace cross4d::cli
