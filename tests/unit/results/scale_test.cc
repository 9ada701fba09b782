// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <ctime>

#include "support.h"

namespace cross4d::results {
namespace {

/// CPU seconds of this process: other programs on the machine do not count.
double Cpu() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

std::map<std::string, std::string> ManyOptions() {
  std::map<std::string, std::string> options;
  for (int i = 0; i < 60; ++i) options["section.option_" + std::to_string(i)] = std::to_string(i);
  return options;
}

TEST(Scale, TenThousandRuns) {
  TempFolder folder;
  ResultStore store = ResultStore::Open(folder / "results.db", OpenMode::kWrite);
  TestPlan plan;
  for (int i = 0; i < 10000; ++i) {
    const std::map<std::string, std::string> axes = {{"x", std::to_string(i / 3 % 50)},
                                                     {"y", std::to_string(i / 150)}};
    plan.Run("r" + std::to_string(i), i % 3, axes, {"probe", "probe-z"}, ManyOptions());
  }
  double start = Cpu();
  const std::int64_t id = store.RecordPlan(plan.record);
  const double record = Cpu() - start;
  start = Cpu();
  EXPECT_EQ(store.RecordPlan(plan.record), id);
  const double again = Cpu() - start;

  std::vector<std::string> keys;
  for (const StageRecord& stage : plan.record.stages) keys.push_back(stage.key);
  start = Cpu();
  EXPECT_EQ(store.StateOf(keys).size(), keys.size());
  const double states = Cpu() - start;

  start = Cpu();
  EXPECT_EQ(store.PlanOptions(id, "x").size(), 10000u);
  EXPECT_EQ(store.PlanValues(id, "probe", "accuracy").size(), 10000u);
  const double values = Cpu() - start;
  std::printf(
      "record %.3f s, again %.3f s, states of %zu stages %.3f s, one table's reading %.3f s\n",
      record,
      again,
      keys.size(),
      states,
      values);
  // Bounds with room for sanitizers and slow machines; the measured figures stand in
  // schema/README.md.
  EXPECT_LT(record, 10);
  EXPECT_LT(again, 2);
  EXPECT_LT(states, 2);
  EXPECT_LT(values, 2);
}

TEST(Scale, ClaimAndFinishAreCheap) {
  TempFolder folder;
  ResultStore store = ResultStore::Open(folder / "results.db", OpenMode::kWrite);
  TestPlan plan;
  for (int i = 0; i < 100; ++i) plan.Run("r" + std::to_string(i), i, {});
  store.RecordPlan(plan.record);
  const double start = Cpu();
  for (const StageRecord& stage : plan.record.stages) {
    const ClaimResult claim = store.Claim(Request(stage.key));
    ASSERT_EQ(claim.kind, ClaimResult::Kind::kClaimed);
    ASSERT_EQ(store.Finish(Done(stage.key, claim.attempt)), WriteResult::kWritten);
  }
  const double each = (Cpu() - start) / static_cast<double>(plan.record.stages.size());
  std::printf("claim and finish: %.0f us CPU\n", each * 1e6);
  EXPECT_LT(each, 5e-3);
}

TEST(Scale, NoQueryOfATableScansTheMetrics) {
  TempFolder folder;
  ResultStore store = ResultStore::Open(folder / "results.db", OpenMode::kWrite);
  const SqlResult plan = store.Query(
      "EXPLAIN QUERY PLAN SELECT value FROM metric_final WHERE run = 'r1' AND evaluation = "
      "'probe'");
  for (const auto& row : plan.rows) {
    EXPECT_THAT(row.back().text, testing::Not(testing::StartsWith("SCAN")));
  }
}

}  // namespace
}  // namespace cross4d::results
