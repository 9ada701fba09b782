// SPDX-License-Identifier: Apache-2.0
#include <rapidcheck.h>

#include "support.h"

namespace cross4d::results {
namespace {

/// What the database should say about one stage, kept beside it in plain C++.
struct Model {
  StageState state = StageState::kPlanned;
  std::int64_t attempt = 0;
  std::string writer;
};

struct Step {
  int action, stage, writer, attempt_offset;
};

WriteResult ExpectedEnd(const Model& m, std::int64_t attempt, const std::string& writer) {
  const bool current =
      m.state == StageState::kRunning && m.attempt == attempt && m.writer == writer;
  return current ? WriteResult::kWritten : WriteResult::kRefused;
}

TEST(Property, AnySequenceOfCallsKeepsTheInvariants) {
  // One file for all cases, each with a run of its own: making the schema costs more than a case.
  TempFolder folder;
  ResultStore store = ResultStore::Open(folder / "results.db", OpenMode::kWrite);
  int cases = 0;
  const bool ok = rc::check([&] {
    const std::string id = std::to_string(++cases);
    TestPlan plan("grid" + id);
    plan.Run("r" + id, 0, {});
    plan.record.stages[0].key += id;  // not shared with other cases
    store.RecordPlan(plan.record);
    std::vector<Model> models(plan.record.stages.size());
    const auto steps =
        *rc::gen::container<std::vector<Step>>(rc::gen::construct<Step>(rc::gen::inRange(0, 5),
                                                                        rc::gen::inRange(0, 3),
                                                                        rc::gen::inRange(0, 2),
                                                                        rc::gen::inRange(0, 2)));
    for (const Step& step : steps) {
      Model& m = models[static_cast<std::size_t>(step.stage)];
      const std::string key = plan.record.stages[static_cast<std::size_t>(step.stage)].key;
      const std::string writer = "w" + std::to_string(step.writer);
      const std::int64_t attempt = m.attempt - step.attempt_offset;
      if (step.action == 0) {
        const ClaimResult claim = store.Claim(Request(key, writer));
        const bool free = m.state != StageState::kRunning && m.state != StageState::kDone;
        RC_ASSERT((claim.kind == ClaimResult::Kind::kClaimed) == free);
        if (free) m = {StageState::kRunning, m.attempt + 1, writer};
      } else if (step.action == 1) {
        const WriteResult result = store.Finish(Done(key, attempt, writer));
        const WriteResult expected = ExpectedEnd(m, attempt, writer);
        RC_ASSERT((result == WriteResult::kWritten) == (expected == WriteResult::kWritten));
        if (result == WriteResult::kWritten) m.state = StageState::kDone;
      } else if (step.action == 2) {
        const WriteResult result = store.Fail(Failed(key, attempt, "error", "no", writer));
        RC_ASSERT((result == WriteResult::kWritten) ==
                  (ExpectedEnd(m, attempt, writer) == WriteResult::kWritten));
        if (result == WriteResult::kWritten) m.state = StageState::kFailed;
      } else if (step.action == 3) {
        store.Reset({key});
        if (m.state != StageState::kRunning) m.state = StageState::kPlanned;
      } else {
        store.AddMetrics(key, attempt, writer, {{"loss", step.writer, 1.0}});
      }
      const StageStatus status = store.StateOf({key})[0];
      RC_ASSERT(status.state == m.state);
      RC_ASSERT(status.attempt == m.attempt);
    }
    RC_ASSERT(store.Check(false).problems.empty());
  });
  EXPECT_TRUE(ok);
}

}  // namespace
}  // namespace cross4d::results
