// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/grid/plan_graph.h"
#include "core/launch/display.h"
#include "core/launch/ingest.h"
#include "core/launch/plan_view.h"
#include "core/launch/stage_specs.h"
#include "core/launch/stop.h"
#include "core/launch/worker.h"
#include "core/results/result_store.h"
#include "core/store/store.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cross4d::launch {

struct RunSettings {
  std::string worker_program;  ///< path of cross4d-worker
  int workers = 1;
  int threads = 1;  ///< of each worker
  std::string device = "cpu";
  bool fail_fast = false;
  results::Environment
      environment;  ///< recorded with every attempt; threads and device are filled in
};

struct RunOutcome {
  int executed = 0;  ///< stages that this process's workers have done
  int adopted = 0;   ///< finished by a worker whose orchestrator had died
  int failed = 0;    ///< stages that failed now, here or in another process
  bool interrupted = false;
};

/// Executes what a plan view leaves open, on worker processes; waits for stages that other
/// processes hold. Everything that happens is recorded in the database at once.
class Scheduler {
 public:
  Scheduler(const grid::PlanGraph& graph,
            const Labels& labels,
            const PlanView& view,
            const store::Store& store,
            results::ResultStore& results,
            const RunSettings& settings,
            Display& display,
            StopSignals& signals);
  ~Scheduler();

  /// Throws Error(kEnvironment) when the database or the store can no longer be written; what was
  /// recorded before stays.
  RunOutcome Run();

 private:
  static constexpr int kPollMs = 50;  ///< how often stages of other processes are looked at

  enum class State { kIdle, kWaiting, kReady, kRunning, kElsewhere, kDone, kFailed, kBlocked };
  struct Stage {
    State state = State::kIdle;
    bool reset = false;     ///< done, to be computed again
    std::int64_t seen = 0;  ///< latest attempt when it was decided to execute the stage
    int missing = 0;        ///< inputs not done
    std::vector<int> dependents;
    int waiting_runs = 0;  ///< runs that need it
    int slot = -1;
    std::int64_t attempt = 0;
    std::string writer;
  };
  struct Slot {
    std::unique_ptr<Worker> worker;
    std::string stderr_file;
    int stage = -1;
    bool ready = false;  ///< the worker's program has come up
    std::int64_t oom_kills = 0;
  };
  // Ready stages, best first: see Before().
  struct Before {
    const Scheduler* scheduler;
    bool operator()(int a, int b) const;
  };

  void Prepare(const PlanView& view);
  void Dispatch();
  /// The spec with its attempt number if the stage is ours now.
  std::optional<protocol::StageSpec> Claim(int stage);
  int ThreadsOf(int stage) const;
  void StartStage(int stage, int slot, const protocol::StageSpec& spec);
  void ReadWorker(int slot);
  void WorkerDied(int slot);
  void Apply(int stage, const Ending& ending);
  void MarkDone(int stage);
  void MarkFailed(int stage, const std::string& why);
  void Block(int stage);
  void PollElsewhere();
  void WaitFor(int stage, const results::StageStatus& status);
  void TakeAnswer(int stage, const results::StageStatus& status);
  void Wait();
  void HandleStop();
  void KillAll();
  bool Busy() const;
  std::string Describe(int stage) const;

  const grid::PlanGraph& graph_;
  const Labels& labels_;
  const store::Store& store_;
  results::ResultStore& results_;
  const RunSettings& settings_;
  Display& display_;
  StopSignals& signals_;
  SpecMaker specs_;
  Ingest ingest_;
  std::string owner_;
  std::vector<Stage> stages_;
  std::vector<Slot> slots_;
  std::set<int, Before> ready_;
  std::set<int> elsewhere_;
  std::vector<int> run_missing_;           ///< per selected run: stages not done
  std::vector<std::vector<int>> runs_of_;  ///< per stage: indices into run_missing_
  std::chrono::steady_clock::time_point last_poll_;
  int writers_ = 0;
  int signals_seen_ = 0;
  bool stopping_ = false;
  RunOutcome outcome_;
};

}  // namespace cross4d::launch
