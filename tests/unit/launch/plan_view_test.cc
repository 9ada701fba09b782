// SPDX-License-Identifier: Apache-2.0
#include "core/launch/plan_view.h"

#include "core/base/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan_fixture.h"

namespace cross4d::launch {
namespace {

using testing::HasSubstr;

class PlanViewTest : public testing::Test {
 protected:
  std::int64_t Claim(results::ResultStore& results, int stage, const std::string& owner = {}) {
    results::ClaimRequest request;
    request.stage = plan_.Key(stage);
    request.owner = owner.empty() ? base::ProcessIdentity::Self().Format() : owner;
    request.writer = "w" + std::to_string(stage);
    request.spec = "{}";
    request.plugins = {{"objective", "scripted", "1.0.0", "b1", "sha", "file"}};
    return results.Claim(request).attempt;
  }
  void Finish(results::ResultStore& results, int stage, bool with_artifact = true) {
    results::FinishRecord record;
    record.stage = plan_.Key(stage);
    record.attempt = Claim(results, stage);
    record.writer = "w" + std::to_string(stage);
    record.artifact = {"hash", 1, "folder"};
    ASSERT_EQ(results.Finish(record), results::WriteResult::kWritten);
    if (!with_artifact) return;
    const auto folder = plan_.Store().Artifact(plan_.Key(stage));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "manifest.json") << "{}";
  }
  void FinishRun(results::ResultStore& results, int seed) {
    for (const int stage : {PlanFixture::Encoder(seed),
                            PlanFixture::Embeddings(seed),
                            PlanFixture::Evaluation(seed)}) {
      Finish(results, stage);
    }
  }
  void Fail(results::ResultStore& results, int stage, const std::string& cause) {
    results::FailRecord record;
    record.stage = plan_.Key(stage);
    record.attempt = Claim(results, stage);
    record.writer = "w" + std::to_string(stage);
    record.cause = cause;
    ASSERT_EQ(results.Fail(record), results::WriteResult::kWritten);
  }
  PlanView View(results::ResultStore* results, const PlanRequest& request = {}) {
    return ViewPlan(plan_.graph(), plan_.All(), results, plan_.Store(), request);
  }

  PlanFixture plan_{2};
};

TEST_F(PlanViewTest, WithoutDatabaseEverythingIsNew) {
  const PlanView view = View(nullptr);
  EXPECT_EQ(view.RunCounts(), (std::map<std::string, int>{{"new", 2}}));
  EXPECT_EQ(view.StageCounts(), (std::map<std::string, int>{{"open", 7}}));
}

TEST_F(PlanViewTest, DonePartlyDoneAndShared) {
  auto results = plan_.OpenWithPlan();
  Finish(results, 0);
  EXPECT_EQ(View(&results).runs[0].state, "new");
  EXPECT_THAT(View(&results).runs[0].reason, HasSubstr("1 of 4 stages done, shared"));
  Finish(results, PlanFixture::Encoder(0));
  EXPECT_EQ(View(&results).runs[0].state, "partly done");
  EXPECT_EQ(View(&results).runs[1].state, "new");
  Finish(results, PlanFixture::Embeddings(0));
  Finish(results, PlanFixture::Evaluation(0));
  const PlanView view = View(&results);
  EXPECT_EQ(view.runs[0].state, "done");
  EXPECT_EQ(view.runs[0].open, 0);
  EXPECT_EQ(view.runs[1].open, 3);
}

TEST_F(PlanViewTest, FailureOfItsOwnStageFailsTheRun) {
  auto results = plan_.OpenWithPlan();
  Finish(results, 0);
  Fail(results, PlanFixture::Encoder(1), "signal 11 (SIGSEGV)");
  const PlanView view = View(&results);
  EXPECT_EQ(view.runs[1].state, "failed");
  EXPECT_EQ(view.runs[1].cause, "signal 11 (SIGSEGV)");
  EXPECT_EQ(view.runs[1].stage, "encoder");
  EXPECT_EQ(view.stages[PlanFixture::Evaluation(1)].standing, Standing::kBlocked);
  EXPECT_EQ(view.stages[PlanFixture::Evaluation(1)].cause, PlanFixture::Encoder(1));
  EXPECT_EQ(view.runs[0].state, "new");

  const PlanView again = View(&results, {.redo_failed = true});
  EXPECT_EQ(again.stages[PlanFixture::Encoder(1)].standing, Standing::kOpen);
  EXPECT_EQ(again.runs[1].open, 3);
}

TEST_F(PlanViewTest, FailureOfASharedStageBlocks) {
  auto results = plan_.OpenWithPlan();
  Fail(results, 0, "error");
  const PlanView view = View(&results);
  EXPECT_EQ(view.RunCounts(), (std::map<std::string, int>{{"blocked", 2}}));
  EXPECT_THAT(view.runs[0].reason, HasSubstr("blocked by tokens"));
}

TEST_F(PlanViewTest, WhatKilledItFromOutsideIsTriedAgain) {
  for (const char* cause : {"signal 9 (SIGKILL)", "out of memory", "disk full", "cancelled"}) {
    EXPECT_TRUE(TriedAgain(cause)) << cause;
  }
  for (const char* cause :
       {"signal 11 (SIGSEGV)", "signal 6 (SIGABRT)", "exit code 3", "truncated"}) {
    EXPECT_FALSE(TriedAgain(cause)) << cause;
  }
  auto results = plan_.OpenWithPlan();
  Fail(results, 0, "disk full");
  const PlanView view = View(&results);
  EXPECT_EQ(view.stages[0].standing, Standing::kOpen);
  EXPECT_EQ(view.runs[0].state, "failed");
  EXPECT_THAT(view.runs[0].reason, HasSubstr("run tries it again"));
}

TEST_F(PlanViewTest, ARepairedPluginIsTriedAgain) {
  auto results = plan_.OpenWithPlan();
  Fail(results, PlanFixture::Encoder(0), "error");
  plan_.SetBuildId("b2");
  EXPECT_EQ(View(&results).stages[PlanFixture::Encoder(0)].standing, Standing::kOpen);
}

TEST_F(PlanViewTest, AnotherBuildIsStaleAndKept) {
  auto results = plan_.OpenWithPlan();
  Finish(results, 0);
  FinishRun(results, 0);
  plan_.SetBuildId("b2");
  const PlanView view = View(&results);
  EXPECT_EQ(view.runs[0].state, "stale");
  EXPECT_EQ(view.runs[0].open, 0);
  const PlanView redo = View(&results, {.redo_stale = true});
  EXPECT_EQ(redo.runs[0].open, 4);
  EXPECT_TRUE(redo.stages[0].reset);
}

TEST_F(PlanViewTest, GoneArtifactIsComputedAgainOnlyIfNeeded) {
  auto results = plan_.OpenWithPlan();
  Finish(results, 0, false);
  FinishRun(results, 0);
  {
    const PlanView view = View(&results);
    EXPECT_TRUE(view.stages[0].gone);  // run 1 needs it
    EXPECT_EQ(view.stages[0].standing, Standing::kOpen);
  }
  const PlanView only = ViewPlan(plan_.graph(), {0}, &results, plan_.Store(), {});
  EXPECT_EQ(only.stages[0].standing, Standing::kDone);
  EXPECT_EQ(only.runs[0].state, "done");
}

TEST_F(PlanViewTest, ALiveOwnerIsWaitedForADeadOneIsNot) {
  auto results = plan_.OpenWithPlan();
  Claim(results, 0);
  EXPECT_EQ(View(&results).stages[0].standing, Standing::kRunning);
  base::ProcessIdentity dead = base::ProcessIdentity::Self();
  dead.start_ticks -= 1;  // the number now belongs to another process
  auto other = PlanFixture(1);
  auto others = other.OpenWithPlan();
  results::ClaimRequest request;
  request.stage = other.Key(0);
  request.owner = dead.Format();
  request.writer = "w";
  request.spec = "{}";
  others.Claim(request);
  const PlanView view = ViewPlan(other.graph(), other.All(), &others, other.Store(), {});
  EXPECT_EQ(view.stages[0].standing, Standing::kOpen);
}

}  // namespace
}  // namespace cross4d::launch
