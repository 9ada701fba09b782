// SPDX-License-Identifier: Apache-2.0
#include "core/launch/scheduler.h"

#include "core/base/file.h"
#include "core/protocol/event.h"
#include "core/protocol/stage_spec.h"

#include <cross4d/sdk/error.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <tuple>
#include <utility>

namespace cross4d::launch {
namespace {

using protocol::EventType;
using results::ClaimResult;
using results::StageState;
using results::StageStatus;

constexpr int kRedrawMs = 200;
constexpr std::size_t kStderrTail = 4000;

// Evaluations first: they are short and finish runs.
int KindRank(const std::string& kind) {
  if (kind == protocol::kEvaluation) return 0;
  if (kind == protocol::kEmbeddings) return 1;
  return 2;
}

std::string StderrTail(const std::string& path) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) == 0 || error) return {};
  std::string text = base::ReadFile(path);
  if (text.size() > kStderrTail) text.erase(0, text.size() - kStderrTail);
  return text;
}

}  // namespace

// Stages that finish runs, then those that most runs wait for, then plan order.
bool Scheduler::Before::operator()(int a, int b) const {
  const auto rank = [this](int i) {
    return std::tuple(
        KindRank(scheduler->graph_.stages[i].kind), -scheduler->stages_[i].waiting_runs, i);
  };
  return rank(a) < rank(b);
}

Scheduler::Scheduler(const grid::PlanGraph& graph,
                     const Labels& labels,
                     const PlanView& view,
                     const store::Store& store,
                     results::ResultStore& results,
                     const RunSettings& settings,
                     Display& display,
                     StopSignals& signals)
    : graph_(graph),
      labels_(labels),
      store_(store),
      results_(results),
      settings_(settings),
      display_(display),
      signals_(signals),
      specs_(graph, labels, store, results, settings.device),
      ingest_(store, results),
      owner_(base::ProcessIdentity::Self().Format()),
      ready_(Before{this}) {
  Prepare(view);
}

Scheduler::~Scheduler() {
  for (Slot& slot : slots_) {
    slot.worker.reset();  // ends the process; an idle worker has nothing to lose
    std::error_code ignored;
    std::filesystem::remove(slot.stderr_file, ignored);
  }
}

void Scheduler::Prepare(const PlanView& view) {
  stages_.resize(graph_.stages.size());
  runs_of_.resize(graph_.stages.size());
  for (const RunView& run : view.runs) {
    const int index = static_cast<int>(run_missing_.size());
    run_missing_.push_back(0);
    for (const grid::RunStage& part : graph_.runs[run.run].stages) {
      if (view.stages[part.stage].standing == Standing::kDone) continue;
      ++run_missing_[index];
      ++stages_[part.stage].waiting_runs;
      runs_of_[part.stage].push_back(index);
    }
    if (run_missing_[index] == 0) display_.RunDone();
  }
  std::map<std::string, int> totals;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const StageView& seen = view.stages[i];
    Stage& stage = stages_[i];
    stage.seen = seen.status.attempt;
    stage.reset = seen.reset;
    if (seen.standing == Standing::kDone) stage.state = State::kDone;
    if (seen.standing == Standing::kFailed) stage.state = State::kFailed;
    if (seen.standing == Standing::kBlocked) stage.state = State::kBlocked;
    if (seen.standing != Standing::kOpen && seen.standing != Standing::kRunning) continue;
    stage.state = State::kWaiting;
    ++totals[graph_.stages[i].kind];
    for (const auto& [kind, input] : graph_.stages[i].inputs) {
      stages_[input].dependents.push_back(static_cast<int>(i));
      if (stages_[input].state != State::kDone) ++stage.missing;
    }
  }
  display_.SetTotal(totals, static_cast<int>(view.runs.size()));
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    if (stages_[i].state != State::kWaiting || stages_[i].missing > 0) continue;
    stages_[i].state = State::kReady;
    ready_.insert(static_cast<int>(i));
  }
}

RunOutcome Scheduler::Run() {
  const std::filesystem::path logs = store_.root() / "workers";
  base::MakeFolders(logs);
  for (int i = 0; i < settings_.workers; ++i) {
    const std::string file = (logs / fmt::format("{}.{}.log", getpid(), i)).string();
    slots_.push_back(
        {std::make_unique<Worker>(settings_.worker_program, file), file, -1, false, 0});
  }
  while (true) {
    HandleStop();
    if (!stopping_) Dispatch();
    const bool waiting = !stopping_ && !elsewhere_.empty();
    if (!Busy() && !waiting && (stopping_ || ready_.empty())) break;
    Wait();
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].worker->running()) ReadWorker(static_cast<int>(i));
    }
    if (!stopping_) PollElsewhere();
    display_.Tick();
  }
  return outcome_;
}

bool Scheduler::Busy() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.stage >= 0; });
}

void Scheduler::Dispatch() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    while (slots_[i].stage < 0 && !ready_.empty()) {
      const int stage = *ready_.begin();
      ready_.erase(ready_.begin());
      if (const auto spec = Claim(stage)) StartStage(stage, static_cast<int>(i), *spec);
    }
  }
}

// The stages before training have the same bytes with any number of threads, and often everything
// waits for one of them: those of a kind share all threads.
int Scheduler::ThreadsOf(int index) const {
  const std::string& kind = graph_.stages[index].kind;
  if (kind != protocol::kTokens && kind != protocol::kFeatures && kind != protocol::kTargets) {
    return settings_.threads;
  }
  const auto alike = [&](int stage) { return graph_.stages[stage].kind == kind; };
  const auto ready = std::count_if(ready_.begin(), ready_.end(), alike);
  const auto running = std::count_if(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return slot.stage >= 0 && alike(slot.stage);
  });
  const int all = settings_.workers * settings_.threads;
  return std::max(settings_.threads, all / static_cast<int>(1 + ready + running));
}

// Gets the stage, or learns who else has it or what became of it.
std::optional<protocol::StageSpec> Scheduler::Claim(int index) {
  Stage& stage = stages_[index];
  const grid::StageNode& node = graph_.stages[index];
  const StageStatus now = results_.StateOf({node.key}).front();
  if (ingest_.Adopt(node, now)) {
    ++outcome_.adopted;
    TakeAnswer(index, results_.StateOf({node.key}).front());
    return std::nullopt;
  }
  if (stage.reset && now.state == StageState::kDone && now.attempt == stage.seen) {
    store_.RemoveArtifact(node.key);
    results_.Reset({node.key});
  }
  stage.reset = false;
  results::ClaimRequest request;
  request.stage = node.key;
  request.owner = owner_;
  request.writer = stage.writer = fmt::format("{}-{}", getpid(), ++writers_);
  protocol::StageSpec spec = specs_.Make(index, stage.writer);
  spec.threads = ThreadsOf(index);
  request.spec = protocol::ToJson(spec).dump();
  request.plugins = specs_.Plugins(index);
  request.environment = settings_.environment;
  request.environment.threads = settings_.threads;
  request.environment.device = settings_.device;
  request.after_attempt = stage.seen;
  const ClaimResult claim = results_.Claim(request);
  switch (claim.kind) {
    case ClaimResult::Kind::kClaimed:
      stage.attempt = spec.attempt = claim.attempt;
      stage.state = State::kRunning;
      store_.RemoveLeftWork(node.key, stage.writer);
      return spec;
    case ClaimResult::Kind::kUnknown:
      throw Error(ErrorCode::kInternal, "stage " + node.key + " is in no recorded plan");
    case ClaimResult::Kind::kBusy:
      WaitFor(index, claim.status);
      return std::nullopt;
    default:
      TakeAnswer(index, claim.status);
      return std::nullopt;
  }
}

void Scheduler::StartStage(int index, int slot, const protocol::StageSpec& spec) {
  stages_[index].slot = slot;
  slots_[slot].stage = index;
  slots_[slot].oom_kills = OutOfMemoryKills();
  display_.StageStarted(slot, labels_.stages[index], graph_.stages[index].kind);
  if (!slots_[slot].worker->Send(spec)) WorkerDied(slot);
}

void Scheduler::ReadWorker(int slot) {
  bool ended = false;
  for (const protocol::Event& event : slots_[slot].worker->Read(ended)) {
    if (event.type == EventType::kReady) slots_[slot].ready = true;
    const int index = slots_[slot].stage;
    if (index < 0 || event.stage != graph_.stages[index].key) continue;
    if (event.type == EventType::kProgress) display_.StageProgress(slot, event);
    if (event.type != EventType::kFinished && event.type != EventType::kFailed) continue;
    const Stage& stage = stages_[index];
    Apply(index, ingest_.Ended({&graph_.stages[index], stage.attempt, stage.writer}, event));
  }
  if (ended) WorkerDied(slot);
}

void Scheduler::WorkerDied(int slot) {
  Slot& at = slots_[slot];
  const base::ExitStatus status = at.worker->Reap();
  const std::string log = StderrTail(at.stderr_file);
  const bool came_up = std::exchange(at.ready, false);
  std::error_code ignored;
  std::filesystem::remove(at.stderr_file, ignored);
  if (at.stage < 0) return;
  const int index = at.stage;
  const Attempt attempt{&graph_.stages[index], stages_[index].attempt, stages_[index].writer};
  if (stopping_ && (!came_up || status.signal == SIGINT)) {
    Apply(index, ingest_.Cancelled(attempt));  // it had not come as far as to stop by itself
    return;
  }
  if (!came_up && status.signal == 0) {
    ingest_.Cancelled(attempt);
    throw Error(
        ErrorCode::kEnvironment,
        fmt::format(
            "{} does not start ({}): {}", settings_.worker_program, status.Describe(), log));
  }
  const bool oom = status.signal == SIGKILL && OutOfMemoryKills() > at.oom_kills;
  Apply(index, ingest_.Died(attempt, status, oom, log));
}

void Scheduler::Wait() {
  std::vector<pollfd> fds = {{signals_.fd(), POLLIN, 0}};
  for (const Slot& slot : slots_) {
    if (slot.worker->running()) fds.push_back({slot.worker->fd(), POLLIN, 0});
  }
  const int timeout = !elsewhere_.empty() ? kPollMs : kRedrawMs;
  poll(fds.data(), fds.size(), timeout);
}

void Scheduler::HandleStop() {
  signals_.Drain();
  const int count = signals_.count();
  if (count == signals_seen_) return;
  signals_seen_ = count;
  outcome_.interrupted = true;
  if (count >= 2) {
    KillAll();
    return;
  }
  stopping_ = true;
  for (Slot& slot : slots_) {
    if (slot.stage >= 0) slot.worker->Signal(SIGINT);
  }
  if (Busy()) {
    display_.Message(
        "stopping: workers finish or checkpoint their current step; once more ends at once");
  }
}

void Scheduler::KillAll() {
  stopping_ = true;
  for (Slot& slot : slots_) slot.worker->Signal(SIGKILL);
  for (Slot& slot : slots_) {
    if (!slot.worker->running()) continue;
    slot.worker->Reap();
    if (slot.stage < 0) continue;
    const Stage& stage = stages_[slot.stage];
    Apply(slot.stage, ingest_.Cancelled({&graph_.stages[slot.stage], stage.attempt, stage.writer}));
  }
}

}  // namespace cross4d::launch
