// SPDX-License-Identifier: Apache-2.0
#include "core/launch/plan_view.h"

#include "core/base/process.h"
#include "core/protocol/stage_spec.h"

#include <fmt/format.h>

#include <algorithm>

namespace cross4d::launch {
namespace {

using results::StageState;

// Fills PlanView::stages. A run has all inputs of its stages, and inputs stand before the stages
// that need them: one pass forwards gives staleness and blocking, one backwards gives what is gone.
class Viewer {
 public:
  Viewer(const grid::PlanGraph& graph,
         results::ResultStore* results,
         const store::Store& store,
         const PlanRequest& request,
         std::vector<StageView>& stages)
      : graph_(graph), results_(results), store_(store), request_(request), stages_(stages) {}

  void View(const std::vector<bool>& wanted) {
    ReadStates();
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      if (wanted[i]) Classify(i);
    }
    for (std::size_t i = stages_.size(); i-- > 0;) FindGone(i);
    for (std::size_t i = 0; i < stages_.size(); ++i) Block(i);
  }

 private:
  void ReadStates() {
    stages_.resize(graph_.stages.size());
    if (!results_) return;
    std::vector<std::string> keys;
    keys.reserve(graph_.stages.size());
    for (const grid::StageNode& stage : graph_.stages) keys.push_back(stage.key);
    std::vector<results::StageStatus> states = results_->StateOf(keys);
    for (std::size_t i = 0; i < states.size(); ++i) stages_[i].status = std::move(states[i]);
  }

  bool OtherBuild(std::size_t index) {
    const results::StageStatus& status = stages_[index].status;
    if (status.plugins == 0) return false;
    const std::vector<results::PluginRecord>& then = results_->Plugins(status.plugins);
    return std::any_of(then.begin(), then.end(), [&](const results::PluginRecord& plugin) {
      const auto& plugins = graph_.stages[index].plugins();
      const auto now = plugins.find(plugin.role);
      return now != plugins.end() && now->second->plugin->build_id != plugin.build_id;
    });
  }

  void Classify(std::size_t index) {
    StageView& view = stages_[index];
    view.standing = Standing::kOpen;
    switch (view.status.state) {
      case StageState::kDone:
        view.stale = OtherBuild(index);
        for (const auto& [kind, input] : graph_.stages[index].inputs) {
          view.stale |= stages_[input].stale;
        }
        view.reset = view.stale && request_.redo_stale;
        if (!view.reset) view.standing = Standing::kDone;
        break;
      case StageState::kFailed:
        // A repaired plugin has another build: worth a try.
        if (!request_.redo_failed && !TriedAgain(view.status.cause) && !OtherBuild(index)) {
          view.standing = Standing::kFailed;
        }
        break;
      case StageState::kRunning: {
        const auto owner = base::ProcessIdentity::Parse(view.status.owner);
        const bool dead = !owner || base::CheckLiveness(*owner) == base::Liveness::kDead;
        if (!dead) view.standing = Standing::kRunning;
        break;
      }
      default:
        break;
    }
  }

  void FindGone(std::size_t index) {
    if (stages_[index].standing != Standing::kOpen) return;
    for (const auto& [kind, input] : graph_.stages[index].inputs) {
      StageView& view = stages_[input];
      if (view.standing != Standing::kDone || store_.HasArtifact(graph_.stages[input].key))
        continue;
      view.standing = Standing::kOpen;
      view.gone = view.reset = true;
    }
  }

  void Block(std::size_t index) {
    StageView& view = stages_[index];
    if (view.standing != Standing::kOpen && view.standing != Standing::kRunning) return;
    for (const auto& [kind, input] : graph_.stages[index].inputs) {
      const StageView& before = stages_[input];
      if (before.standing != Standing::kFailed && before.standing != Standing::kBlocked) continue;
      view.standing = Standing::kBlocked;
      view.cause = before.standing == Standing::kFailed ? input : before.cause;
      return;
    }
  }

  const grid::PlanGraph& graph_;
  results::ResultStore* results_;
  const store::Store& store_;
  const PlanRequest& request_;
  std::vector<StageView>& stages_;
};

std::string StageName(const grid::PlanGraph& graph, const grid::RunStage& stage) {
  return stage.evaluation.empty() ? graph.stages[stage.stage].kind : stage.evaluation;
}

// How many runs of the plan have each stage.
std::vector<int> CountUsers(const grid::PlanGraph& graph) {
  std::vector<int> users(graph.stages.size(), 0);
  for (const grid::PlannedRun& run : graph.runs) {
    for (const grid::RunStage& stage : run.stages) ++users[stage.stage];
  }
  return users;
}

// Everything that a run's stages say together.
struct Tally {
  int done = 0, open = 0, stale = 0, running = 0, gone = 0;
  bool begun = false;                         ///< a stage of its own, not only shared ones, is done
  int failed = -1, again = -1, blocked = -1;  ///< first stage (index into run.stages)
};

Tally Count(const grid::PlanGraph& graph, const grid::PlannedRun& run, const PlanView& view) {
  Tally tally;
  for (std::size_t i = 0; i < run.stages.size(); ++i) {
    const StageView& stage = view.stages[run.stages[i].stage];
    const std::string& kind = graph.stages[run.stages[i].stage].kind;
    const bool own =
        kind != protocol::kTokens && kind != protocol::kFeatures && kind != protocol::kTargets;
    const bool done = stage.status.state == StageState::kDone;
    tally.done += done;
    tally.begun |= done && own;
    tally.open += stage.standing == Standing::kOpen;
    tally.stale += stage.stale;
    tally.gone += stage.gone;
    tally.running += stage.standing == Standing::kRunning;
    const int at = static_cast<int>(i);
    if (stage.standing == Standing::kFailed && tally.failed < 0) tally.failed = at;
    if (stage.standing == Standing::kBlocked && tally.blocked < 0) tally.blocked = at;
    const bool again =
        stage.standing == Standing::kOpen && stage.status.state == StageState::kFailed;
    if (again && tally.again < 0) tally.again = at;
  }
  return tally;
}

void DescribeFailure(const grid::PlanGraph& graph,
                     const PlanView& plan,
                     const grid::PlannedRun& run,
                     const Tally& tally,
                     const std::vector<int>& users,
                     RunView& view) {
  const int at = tally.failed >= 0 ? tally.failed : tally.again >= 0 ? tally.again : tally.blocked;
  const int failed = tally.failed < 0 && tally.again < 0 ? plan.stages[run.stages[at].stage].cause
                                                         : run.stages[at].stage;
  view.stage = StageName(graph, run.stages[at]);
  if (failed != run.stages[at].stage) view.stage = graph.stages[failed].kind;
  view.cause = plan.stages[failed].status.cause;
  view.state = users[failed] > 1 && tally.again < 0 ? "blocked" : "failed";
  view.reason = view.state == "blocked" ? fmt::format("blocked by {}: {}", view.stage, view.cause)
                                        : fmt::format("{} failed: {}", view.stage, view.cause);
  view.reason += tally.again >= 0 ? "; run tries it again" : "; --redo failed tries it again";
}

RunView Describe(const grid::PlanGraph& graph,
                 int index,
                 const PlanView& plan,
                 const PlanRequest& request,
                 const std::vector<int>& users) {
  const grid::PlannedRun& run = graph.runs[index];
  const Tally tally = Count(graph, run, plan);
  RunView view;
  view.run = index;
  view.done = tally.done;
  view.open = tally.open;
  const int total = static_cast<int>(run.stages.size());
  if (tally.failed >= 0 || tally.again >= 0 || tally.blocked >= 0) {
    DescribeFailure(graph, plan, run, tally, users, view);
  } else if (tally.stale > 0) {
    view.state = "stale";
    view.reason = fmt::format(
        "{} of {} stages were made by another build of a plugin; {}",
        tally.stale,
        total,
        request.redo_stale ? "run computes them again" : "--redo stale computes them again");
  } else if (tally.running > 0) {
    view.state = "running";
    view.reason = fmt::format("another process runs {} of {} stages", tally.running, total);
  } else if (tally.done == total) {
    view.state = "done";
    view.reason = tally.open > 0 ? fmt::format("{} artifacts are gone and needed", tally.gone)
                                 : fmt::format("all {} stages done", total);
  } else {
    view.state = tally.begun ? "partly done" : "new";
    view.reason = tally.done > 0 ? fmt::format("{} of {} stages done{}",
                                               tally.done,
                                               total,
                                               tally.begun ? "" : ", shared with other runs")
                                 : fmt::format("{} stages to do", total);
    if (tally.gone > 0)
      view.reason += fmt::format("; {} artifacts are gone and needed", tally.gone);
  }
  return view;
}

}  // namespace

bool TriedAgain(const std::string& cause) {
  for (const char* outside : {"out of memory",
                              "timeout",
                              "disk full",
                              "cancelled",
                              "signal 9 ",
                              "signal 15 ",
                              "signal 2 ",
                              "signal 1 "}) {
    if (cause.starts_with(outside)) return true;
  }
  return false;
}

std::string StandingName(Standing standing) {
  switch (standing) {
    case Standing::kOpen:
      return "open";
    case Standing::kDone:
      return "done";
    case Standing::kRunning:
      return "running";
    case Standing::kFailed:
      return "failed";
    case Standing::kBlocked:
      return "blocked";
    default:
      return "idle";
  }
}

std::vector<int> PlanView::Open() const {
  std::vector<int> open;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (stages[i].standing == Standing::kOpen) open.push_back(static_cast<int>(i));
  }
  return open;
}

std::map<std::string, int> PlanView::RunCounts() const {
  std::map<std::string, int> counts;
  for (const RunView& run : runs) ++counts[run.state];
  return counts;
}

std::map<std::string, int> PlanView::StageCounts() const {
  std::map<std::string, int> counts;
  for (const StageView& stage : stages) {
    if (stage.standing != Standing::kIdle) ++counts[StandingName(stage.standing)];
  }
  return counts;
}

PlanView ViewPlan(const grid::PlanGraph& graph,
                  const std::vector<int>& selected,
                  results::ResultStore* results,
                  const store::Store& store,
                  const PlanRequest& request) {
  PlanView view;
  std::vector<bool> wanted(graph.stages.size(), false);
  for (const int run : selected) {
    for (const grid::RunStage& stage : graph.runs[run].stages) wanted[stage.stage] = true;
  }
  Viewer(graph, results, store, request, view.stages).View(wanted);
  const std::vector<int> users = CountUsers(graph);
  view.runs.reserve(selected.size());
  for (const int run : selected) {
    view.runs.push_back(Describe(graph, run, view, request, users));
  }
  return view;
}

}  // namespace cross4d::launch
