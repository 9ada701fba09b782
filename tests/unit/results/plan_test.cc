// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>

#include <algorithm>

#include "support.h"

namespace cross4d::results {
namespace {

using testing::ElementsAre;
using Value = std::optional<std::string>;

class Plan : public testing::Test {
 protected:
  std::vector<std::string> Keys(const std::string& experiment) {
    std::vector<std::string> keys;
    for (const RunRow& run : store_.Runs(experiment)) keys.push_back(run.key);
    return keys;
  }
  TempFolder folder_;
  ResultStore store_ = ResultStore::Open(folder_ / "results.db", OpenMode::kWrite);
};

TEST_F(Plan, SameContentIsRecordedOnce) {
  TestPlan plan;
  plan.Run("r1", 0, {{"a", "1"}});
  const std::int64_t id = store_.RecordPlan(plan.record);
  EXPECT_EQ(store_.RecordPlan(plan.record), id);
  EXPECT_EQ(One(store_, "SELECT count(*) FROM plans"), "1");
  plan.record.tables = R"([{"name":"t"}])";
  EXPECT_NE(store_.RecordPlan(plan.record), id);
  EXPECT_EQ(store_.LatestPlans().size(), 1u);
  EXPECT_EQ(store_.LatestPlans()[0].tables, plan.record.tables);
}

TEST_F(Plan, AFurtherEvaluationExtendsTheRun) {
  TestPlan first;
  first.Run("r1", 0, {});
  store_.RecordPlan(first.record);
  for (const char* key : {"f0f0", "e0r1", "a0r1probe"}) {
    store_.Claim(Request(key));
    store_.Finish(Done(key, 1));
  }
  EXPECT_EQ(store_.Runs()[0].state, "done");
  TestPlan second;
  second.Run("r1", 0, {}, {"probe", "probe-z"});
  store_.RecordPlan(second.record);
  const RunRow row = store_.Runs()[0];
  EXPECT_EQ(row.state, "planned");
  EXPECT_EQ(row.stages, 4);
  EXPECT_EQ(row.stages_done, 3);
  EXPECT_EQ(store_.StateOf({"a0r1probe-z"})[0].state, StageState::kPlanned);
  EXPECT_EQ(One(store_, "SELECT count(*) FROM runs"), "1");
}

TEST_F(Plan, OnlyTheLatestPlanIsRead) {
  TestPlan old;
  old.Run("r1", 0, {});
  old.Run("r2", 1, {});
  store_.RecordPlan(old.record);
  TestPlan now;
  now.Run("r3", 0, {});
  now.Run("r1", 0, {});
  store_.RecordPlan(now.record);
  TestPlan other("other");
  other.Run("q1", 0, {});
  store_.RecordPlan(other.record);
  EXPECT_THAT(Keys("grid"), ElementsAre("r3", "r1"));
  EXPECT_THAT(Keys(""), ElementsAre("r3", "r1", "q1"));
  EXPECT_EQ(store_.Runs("grid", true).size(), 3u);
  const auto uses = store_.StageUses();
  const auto needed = [](const StageUse& use) { return !use.runs.empty(); };
  EXPECT_EQ(std::count_if(uses.begin(), uses.end(), needed), 9)
      << "gc keeps what older plans' runs need";
}

TEST_F(Plan, ARunBelongsToOneExperiment) {
  TestPlan one("one"), two("two");
  one.Run("r1", 0, {});
  two.Run("r0", 0, {});
  two.Run("r1", 0, {});
  store_.RecordPlan(one.record);
  EXPECT_THROW(store_.RecordPlan(two.record), Error);
  EXPECT_EQ(One(store_, "SELECT count(*) FROM plans"), "1") << "nothing of the plan is left";
  EXPECT_EQ(One(store_, "SELECT count(*) FROM runs"), "1");
}

TEST_F(Plan, OptionsAreFoundWhetherSharedOrNot) {
  TestPlan plan;
  plan.Run("r1", 0, {{"objective.plugin", "none"}}, {"probe"}, {{"dim", "384"}, {"only", "x"}});
  plan.Run("r2", 1, {{"objective.plugin", "dense"}}, {"probe"}, {{"dim", "384"}});
  const std::int64_t id = store_.RecordPlan(plan.record);
  EXPECT_THAT(store_.PlanOptions(id, "dim"), ElementsAre(Value("384"), Value("384")));
  EXPECT_THAT(store_.PlanOptions(id, "objective.plugin"),
              ElementsAre(Value("none"), Value("dense")));
  EXPECT_THAT(store_.PlanOptions(id, "only"), ElementsAre(Value("x"), Value()));
  EXPECT_THAT(store_.PlanOptions(id, "absent"), ElementsAre(Value(), Value()));
  EXPECT_THAT(store_.PlanOptions(id, "seed"), ElementsAre(Value("0"), Value("1")));
  EXPECT_EQ(One(store_,
                "SELECT group_concat(key || '=' || value) FROM "
                "(SELECT * FROM run_option WHERE run = 'r1' ORDER BY key)"),
            "dim=384,objective.plugin=none,only=x,seed=0");
}

TEST_F(Plan, ChangedOptionsReplaceTheOldOnes) {
  TestPlan one;
  one.Run("r1", 0, {}, {"probe"}, {{"dataset.root", "/a"}, {"dim", "1"}});
  store_.RecordPlan(one.record);
  TestPlan two;
  two.Run("r1", 0, {}, {"probe"}, {{"dataset.root", "/b"}, {"dim", "1"}});
  two.Run("r2", 1, {}, {"probe"}, {{"dataset.root", "/c"}, {"dim", "1"}});
  store_.RecordPlan(two.record);
  EXPECT_EQ(store_.Show("r1").options.at("dataset.root"), "/b");
  EXPECT_EQ(store_.Show("r1").options.at("dim"), "1");
}

TEST_F(Plan, ValuesComeInPlanOrderWithThreads) {
  TestPlan plan;
  for (int i = 0; i < 3; ++i) plan.Run("r" + std::to_string(i), i, {}, {"probe", "probe-z"});
  const std::int64_t id = store_.RecordPlan(plan.record);
  ClaimRequest request = Request("a0r2probe");
  request.environment.threads = 4;
  store_.Claim(request);
  store_.Finish(Done("a0r2probe", 1, "w1", {{"accuracy", -1, 0.25}, {"accuracy", 3, 0.9}}));
  store_.Claim(Request("e0r0"));
  store_.Finish(Done("e0r0", 1, "w1", {{"loss", -1, 2.0}}));
  const auto accuracy = store_.PlanValues(id, "probe", "accuracy");
  ASSERT_EQ(accuracy.size(), 3u);
  EXPECT_FALSE(accuracy[0]);
  EXPECT_EQ(accuracy[2], 0.25);
  const auto threads = store_.PlanThreads(id);
  ASSERT_EQ(threads.size(), 3u);
  EXPECT_EQ(threads[2].most, 4);
  EXPECT_EQ(threads[0].least, 1);
  EXPECT_EQ(threads[1].most, 0);
  EXPECT_FALSE(store_.PlanValues(id, "probe-z", "accuracy")[2]);
  EXPECT_EQ(store_.PlanValues(id, "encoder", "loss")[0], 2.0);
  EXPECT_EQ(store_.PlanValues(id, "nothing", "at-all").size(), 3u);
}

TEST_F(Plan, ARunningOrFailedStageHasNoFinalValue) {
  TestPlan plan;
  plan.Run("r1", 0, {});
  const std::int64_t id = store_.RecordPlan(plan.record);
  store_.Claim(Request("a0r1probe"));
  store_.AddMetrics("a0r1probe", 1, "w1", {{"accuracy", -1, 0.5}});
  EXPECT_FALSE(store_.PlanValues(id, "probe", "accuracy")[0]);
  EXPECT_EQ(One(store_, "SELECT count(*) FROM metric_final"), "0");
  store_.Fail(Failed("a0r1probe", 1, "timeout"));
  EXPECT_FALSE(store_.PlanValues(id, "probe", "accuracy")[0]);
}

}  // namespace
}  // namespace cross4d::results
