// SPDX-License-Identifier: Apache-2.0
// How stages pass from one state to the next; scheduler.cc has the loop that drives them.
#include "core/launch/scheduler.h"

#include <fmt/format.h>
#include <signal.h>

#include <string>
#include <vector>

namespace cross4d::launch {

using results::StageState;
using results::StageStatus;

void Scheduler::Apply(int index, const Ending& ending) {
  Stage& stage = stages_[index];
  const int slot = stage.slot;
  slots_[slot].stage = -1;
  if (ending.done) {
    ++outcome_.executed;
    MarkDone(index);
  } else if (ending.refused) {
    WaitFor(index, results_.StateOf({graph_.stages[index].key}).front());
  } else if (ending.state == StageState::kCancelled) {
    stage.state = State::kIdle;
    display_.StageDropped(slot, graph_.stages[index].kind);
  } else {
    MarkFailed(index, ending.why);
  }
  stage.slot = -1;
}

void Scheduler::MarkDone(int index) {
  Stage& stage = stages_[index];
  stage.state = State::kDone;
  display_.StageDone(stage.slot, labels_.stages[index], graph_.stages[index].kind);
  for (const int dependent : stage.dependents) {
    Stage& next = stages_[dependent];
    if (--next.missing > 0 || next.state != State::kWaiting) continue;
    next.state = State::kReady;
    ready_.insert(dependent);
  }
  for (const int run : runs_of_[index]) {
    if (--run_missing_[run] == 0) display_.RunDone();
  }
}

void Scheduler::MarkFailed(int index, const std::string& why) {
  stages_[index].state = State::kFailed;
  ++outcome_.failed;
  display_.StageFailed(stages_[index].slot, Describe(index), graph_.stages[index].kind, why);
  for (const int dependent : stages_[index].dependents) Block(dependent);
  if (settings_.fail_fast && !stopping_) {
    stopping_ = true;
    for (Slot& slot : slots_) {
      if (slot.stage >= 0 && slot.stage != index) slot.worker->Signal(SIGINT);
    }
    display_.Message("stopping after the first failure (--fail-fast)");
  }
}

void Scheduler::Block(int index) {
  Stage& stage = stages_[index];
  if (stage.state == State::kBlocked) return;
  stage.state = State::kBlocked;
  display_.StageDropped(-1, graph_.stages[index].kind);
  for (const int dependent : stage.dependents) Block(dependent);
}

// "dense seed 1 [stage 3f2a91bc]": what `cross4d sql` and the store's folders call it.
std::string Scheduler::Describe(int index) const {
  return fmt::format("{} [stage {}]", labels_.stages[index], graph_.stages[index].key.substr(0, 8));
}

void Scheduler::WaitFor(int index, const StageStatus& status) {
  stages_[index].state = State::kElsewhere;
  stages_[index].seen = status.attempt;
  elsewhere_.insert(index);
}

// What another process has made of the stage.
void Scheduler::TakeAnswer(int index, const StageStatus& status) {
  stages_[index].seen = status.attempt;
  switch (status.state) {
    case StageState::kDone:
      MarkDone(index);
      return;
    case StageState::kFailed:
      MarkFailed(index, status.cause);
      return;
    case StageState::kRunning:
      WaitFor(index, status);
      return;
    default:
      stages_[index].state = State::kReady;
      ready_.insert(index);
  }
}

void Scheduler::PollElsewhere() {
  const auto now = std::chrono::steady_clock::now();
  if (elsewhere_.empty() || now - last_poll_ < std::chrono::milliseconds(kPollMs)) return;
  last_poll_ = now;
  const std::vector<int> waiting(elsewhere_.begin(), elsewhere_.end());
  std::vector<std::string> keys;
  for (const int index : waiting) keys.push_back(graph_.stages[index].key);
  const std::vector<StageStatus> states = results_.StateOf(keys);
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    const StageStatus& status = states[i];
    if (status.state == StageState::kRunning) {
      const auto owner = base::ProcessIdentity::Parse(status.owner);
      if (owner && base::CheckLiveness(*owner) != base::Liveness::kDead) continue;
    }
    elsewhere_.erase(waiting[i]);
    stages_[waiting[i]].seen = status.attempt;
    if (status.state == StageState::kRunning) {
      stages_[waiting[i]].state =
          State::kReady;  // its owner died: Claim adopts it or takes it over
      ready_.insert(waiting[i]);
    } else {
      TakeAnswer(waiting[i], status);
    }
  }
}

}  // namespace cross4d::launch
