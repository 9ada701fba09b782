// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/process.h"
#include "core/grid/plan_graph.h"
#include "core/launch/spool.h"
#include "core/results/result_store.h"
#include "core/store/store.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace cross4d::launch {

/// How an attempt ended, as recorded.
struct Ending {
  bool done = false;
  bool refused = false;  ///< another process has taken the stage over: its word counts
  results::StageState state = results::StageState::kFailed;  ///< if not done
  std::string why;  ///< not done: the cause, and the message if there is one
};

/// One attempt of one stage.
struct Attempt {
  const grid::StageNode* stage = nullptr;
  std::int64_t number = 0;
  std::string writer;
};

/// Puts what spools say into the database. Ingesting the same spool twice changes nothing.
class Ingest {
 public:
  Ingest(const store::Store& store, results::ResultStore& results)
      : store_(store), results_(results) {}

  /// An attempt whose worker said that it ended: Finish or Fail from its spool. A spool without an
  /// end (the file could not be written, the disk is full) fails the attempt.
  Ending Ended(const Attempt& attempt, const protocol::Event& said);
  /// An attempt whose worker died with `status`. A spool that has an end counts, whatever came
  /// later.
  Ending Died(const Attempt& attempt,
              const base::ExitStatus& status,
              bool out_of_memory,
              const std::string& stderr_tail);
  /// An attempt that this process stopped.
  Ending Cancelled(const Attempt& attempt);
  /// A running attempt whose orchestrator died: adopted as it ended if its worker had finished
  /// (spool complete, artifact published), otherwise left for the next claim. True if adopted.
  bool Adopt(const grid::StageNode& stage, const results::StageStatus& status);

 private:
  std::optional<Spool> Read(const Attempt& attempt) const;
  Ending Finish(const Attempt& attempt, const Spool& spool);
  Ending Fail(const Attempt& attempt, results::FailRecord record, const Spool* spool);
  Ending FailAsSaid(const Attempt& attempt, const protocol::Event& end, const Spool* spool);

  const store::Store& store_;
  results::ResultStore& results_;
};

/// Kills by the kernel for want of memory since boot, on this machine; 0 if it cannot be told.
std::int64_t OutOfMemoryKills();

}  // namespace cross4d::launch
