// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/grid/plan_graph.h"
#include "core/results/result_store.h"
#include "core/store/store.h"

#include <map>
#include <string>
#include <vector>

namespace cross4d::launch {

/// What the next `run` would make of a stage.
enum class Standing {
  kOpen,     ///< to be executed
  kDone,     ///< nothing to do
  kRunning,  ///< a live process has it: waited for
  kFailed,   ///< failed before and is not tried again
  kBlocked,  ///< an input failed or is blocked
  kIdle,     ///< belongs to no selected run
};

struct StageView {
  results::StageStatus status;
  Standing standing = Standing::kIdle;
  bool stale = false;  ///< done, by another build of a plugin (or on such an input)
  bool reset = false;  ///< done, to be computed again: --redo stale, or the artifact is gone
  bool gone = false;   ///< done and needed, but the artifact is not there
  int cause = -1;      ///< kBlocked: the stage that failed
};

struct RunView {
  int run = 0;        ///< index into PlanGraph::runs
  std::string state;  ///< new, partly done, done, failed, blocked, stale, running
  std::string reason;
  std::string cause;  ///< failed, blocked: of the stage that failed
  std::string stage;  ///< failed, blocked: its kind or evaluation
  int done = 0;       ///< stages done
  int open = 0;       ///< stages that `run` would execute (some are shared with other runs)
};

struct PlanRequest {
  bool redo_stale = false;
  bool redo_failed = false;
};

/// The plan of the selected runs against the database: pure reading.
struct PlanView {
  std::vector<StageView> stages;  ///< as PlanGraph::stages
  std::vector<RunView> runs;      ///< the selected ones, in plan order

  std::vector<int> Open() const;                 ///< stages to be executed
  std::map<std::string, int> RunCounts() const;  ///< by state
  std::map<std::string, int> StageCounts()
      const;  ///< "open", "done", "running", "failed", "blocked"
};

/// `results` = nullptr: there is no database yet, everything is new. An input's artifact is looked
/// for only where a stage that is to be executed needs it.
PlanView ViewPlan(const grid::PlanGraph& graph,
                  const std::vector<int>& selected,
                  results::ResultStore* results,
                  const store::Store& store,
                  const PlanRequest& request);

/// Whether a plain `run` tries a failure with this cause again: what says nothing about the stage
/// itself (killed from outside, out of memory, disk full, timeout). Others wait for --redo failed.
bool TriedAgain(const std::string& cause);

std::string StandingName(Standing standing);

}  // namespace cross4d::launch
