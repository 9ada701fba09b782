// SPDX-License-Identifier: Apache-2.0
#include "core/launch/scheduler.h"

#include "core/base/file.h"
#include "core/base/process.h"
#include "core/protocol/stage_spec.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "plan_fixture.h"

namespace cross4d::launch {
namespace {

using results::StageState;
using testing::HasSubstr;

class SchedulerTest : public testing::Test {
 protected:
  RunOutcome Run(const PlanFixture& plan, int workers = 1, bool fail_fast = false) {
    auto results = plan.OpenWithPlan();
    return Run(plan, results, workers, fail_fast);
  }
  RunOutcome Run(const PlanFixture& plan,
                 results::ResultStore& results,
                 int workers = 1,
                 bool fail_fast = false,
                 const PlanRequest& request = {}) {
    RunSettings settings;
    settings.worker_program = worker_;
    settings.workers = workers;
    settings.fail_fast = fail_fast;
    const store::Store store = plan.Store();
    const PlanView view = ViewPlan(plan.graph(), plan.All(), &results, store, request);
    const Labels labels = MakeLabels(plan.graph());
    Display display({.fd = 2, .quiet = true, .workers = workers});
    StopSignals signals;
    return Scheduler(plan.graph(), labels, view, store, results, settings, display, signals).Run();
  }
  static results::StageStatus State(const PlanFixture& plan, int stage) {
    auto results = plan.Open();
    return results.StateOf({plan.Key(stage)}).front();
  }

  std::string worker_ = SCRIPTED_WORKER;
};

TEST_F(SchedulerTest, ExecutesEveryStageOnce) {
  const PlanFixture plan(4);
  const RunOutcome outcome = Run(plan, 2);
  EXPECT_EQ(outcome.executed, 13);
  EXPECT_EQ(outcome.failed, 0);
  for (std::size_t i = 0; i < plan.graph().stages.size(); ++i) {
    const auto status = State(plan, static_cast<int>(i));
    EXPECT_EQ(status.state, StageState::kDone);
    EXPECT_EQ(status.attempt, 1);
  }
  EXPECT_EQ(Run(plan).executed, 0);
  auto results = plan.Open();
  EXPECT_THAT(results.Check(true).problems, testing::IsEmpty());
  const auto metrics = results.Show("run3").stages.back().metrics;
  ASSERT_EQ(metrics.size(), 1U);
  EXPECT_EQ(metrics[0].value, 3.5);
}

// All wait for the one tokens stage; an encoder's bytes may depend on its threads.
TEST_F(SchedulerTest, OneTokensStageHasAllThreads) {
  const PlanFixture plan(2);
  EXPECT_EQ(Run(plan, 3).failed, 0);
  const store::Store store = plan.Store();
  for (const grid::StageNode& stage : plan.graph().stages) {
    const std::string threads =
        base::ReadFile((store.Artifact(stage.key) / "threads.txt").string());
    EXPECT_EQ(threads, stage.kind == protocol::kTokens ? "3" : "1") << stage.kind;
  }
}

TEST_F(SchedulerTest, AFailedStageIsARowAndTheOthersGoOn) {
  PlanFixture plan(3);
  plan.Script(1, "fail");
  const RunOutcome outcome = Run(plan);
  EXPECT_EQ(outcome.failed, 1);
  EXPECT_EQ(outcome.executed, 7);
  EXPECT_EQ(State(plan, PlanFixture::Encoder(1)).state, StageState::kFailed);
  EXPECT_EQ(State(plan, PlanFixture::Encoder(1)).cause, "told to fail");
  EXPECT_EQ(State(plan, PlanFixture::Evaluation(1)).state, StageState::kPlanned);
  EXPECT_EQ(State(plan, PlanFixture::Evaluation(2)).state, StageState::kDone);
  auto results = plan.Open();
  EXPECT_THAT(results.Show("run1").stages[1].attempts[0].log_tail, HasSubstr("script fail"));
}

TEST_F(SchedulerTest, ADeadWorkerFailsItsStageWithTheSignal) {
  PlanFixture plan(4);
  plan.Script(0, "segfault");
  plan.Script(1, "exit");
  plan.Script(2, "cut");
  const RunOutcome outcome = Run(plan, 2);
  EXPECT_EQ(outcome.failed, 3);
  EXPECT_EQ(State(plan, PlanFixture::Encoder(0)).cause, "signal 11 (SIGSEGV)");
  EXPECT_EQ(State(plan, PlanFixture::Encoder(1)).cause, "exit code 7");
  EXPECT_THAT(State(plan, PlanFixture::Encoder(2)).cause, HasSubstr("signal 9"));
  EXPECT_EQ(State(plan, PlanFixture::Evaluation(3)).state, StageState::kDone);
}

TEST_F(SchedulerTest, FailFastStartsNothingMore) {
  PlanFixture plan(3);
  plan.Script(0, "fail");
  const RunOutcome outcome = Run(plan, 1, true);
  EXPECT_EQ(outcome.failed, 1);
  EXPECT_EQ(outcome.executed, 1);  // tokens
  EXPECT_EQ(State(plan, PlanFixture::Encoder(1)).state, StageState::kPlanned);
}

TEST_F(SchedulerTest, RedoFailedMakesANewAttempt) {
  PlanFixture plan(1);
  plan.Script(0, "fail");
  Run(plan);
  plan.Script(0, "");
  EXPECT_EQ(Run(plan).executed, 0);
  auto results = plan.OpenWithPlan();
  EXPECT_EQ(Run(plan, results, 1, false, {.redo_failed = true}).executed, 3);
  EXPECT_EQ(State(plan, PlanFixture::Encoder(0)).attempt, 2);
}

TEST_F(SchedulerTest, RedoStaleComputesAgain) {
  PlanFixture plan(1);
  Run(plan);
  plan.SetBuildId("b2");
  EXPECT_EQ(Run(plan).executed, 0);
  auto results = plan.OpenWithPlan();
  EXPECT_EQ(Run(plan, results, 1, false, {.redo_stale = true}).executed, 4);
  EXPECT_EQ(State(plan, 0).attempt, 2);
}

TEST_F(SchedulerTest, AGoneArtifactThatIsNeededIsComputedAgain) {
  PlanFixture plan(1);
  plan.Script(0, "fail");
  Run(plan);
  std::filesystem::remove_all(plan.Store().Artifact(plan.Key(0)));
  plan.Script(0, "");
  auto results = plan.OpenWithPlan();
  EXPECT_EQ(Run(plan, results, 1, false, {.redo_failed = true}).executed, 4);
  EXPECT_EQ(State(plan, 0).attempt, 2);
}

// A worker that cannot be run says nothing about the stages.
TEST_F(SchedulerTest, AWorkerThatDoesNotStartIsAnEnvironmentError) {
  const PlanFixture plan(2);
  worker_ = "/bin/false";
  try {
    Run(plan);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kEnvironment);
    EXPECT_THAT(error.what(), HasSubstr("does not start (exit code 1)"));
  }
  EXPECT_EQ(State(plan, 0).state, StageState::kCancelled);
  worker_ = SCRIPTED_WORKER;
  EXPECT_EQ(Run(plan).executed, 7);
}

TEST_F(SchedulerTest, InterruptStopsTheWorkerAndIsRecorded) {
  PlanFixture plan(2);
  plan.Script(0, "wait");
  std::thread interrupt([&] {
    auto results = plan.Open();
    while (results.StateOf({plan.Key(PlanFixture::Encoder(0))}).front().state !=
           StageState::kRunning) {
      usleep(10000);
    }
    kill(getpid(), SIGINT);
  });
  auto results = plan.OpenWithPlan();
  const RunOutcome outcome = Run(plan, results);
  interrupt.join();
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_EQ(State(plan, PlanFixture::Encoder(0)).state, StageState::kCancelled);
  EXPECT_EQ(State(plan, PlanFixture::Encoder(1)).state, StageState::kPlanned);
  plan.Script(0, "");
  EXPECT_EQ(Run(plan).executed, 6);
}

// The orchestrator died between the worker's finish and its own record of it.
TEST_F(SchedulerTest, AFinishedAttemptOfADeadOwnerIsAdopted) {
  const PlanFixture plan(1);
  auto results = plan.OpenWithPlan();
  const Labels labels = MakeLabels(plan.graph());
  const store::Store store = plan.Store();
  base::ProcessIdentity dead = base::ProcessIdentity::Self();
  dead.start_ticks -= 1;
  results::ClaimRequest request;
  request.stage = plan.Key(0);
  request.owner = dead.Format();
  request.writer = "gone";
  request.spec = "{}";
  ASSERT_EQ(results.Claim(request).kind, results::ClaimResult::Kind::kClaimed);
  SpecMaker maker(plan.graph(), labels, store, results, "cpu");
  Worker worker(worker_, plan.Path("worker.log").string());
  ASSERT_TRUE(worker.Send(maker.Make(0, "gone")));
  for (bool ended = false, finished = false; !finished && !ended;) {
    for (const auto& event : worker.Read(ended)) {
      finished |= event.type == protocol::EventType::kFinished;
    }
    usleep(1000);
  }
  const RunOutcome outcome = Run(plan, results);
  EXPECT_EQ(outcome.adopted, 1);
  EXPECT_EQ(outcome.executed, 3);
  EXPECT_EQ(State(plan, 0).attempt, 1);
  EXPECT_EQ(State(plan, 0).state, StageState::kDone);
}

TEST_F(SchedulerTest, AStageThatAnotherProcessHoldsIsWaitedFor) {
  const PlanFixture plan(1);
  auto results = plan.OpenWithPlan();
  results::ClaimRequest request;
  request.stage = plan.Key(0);
  request.owner = base::ProcessIdentity::Self().Format();
  request.writer = "other";
  request.spec = "{}";
  ASSERT_EQ(results.Claim(request).kind, results::ClaimResult::Kind::kClaimed);
  std::thread other([&] {
    usleep(300000);
    const auto work = plan.Path("work");
    std::filesystem::create_directories(work);
    std::filesystem::create_directories(plan.Store().StageFolder(plan.Key(0)));
    std::ofstream(work / "result.txt") << "by the other";
    const auto published = store::Publish(work, plan.Store().Artifact(plan.Key(0)));
    results::FinishRecord record;
    record.stage = plan.Key(0);
    record.attempt = 1;
    record.writer = "other";
    record.artifact.hash = published.manifest.hash;
    auto own = plan.Open();
    EXPECT_EQ(own.Finish(record), results::WriteResult::kWritten);
  });
  const RunOutcome outcome = Run(plan, results);
  other.join();
  EXPECT_EQ(outcome.executed, 3);
  EXPECT_EQ(State(plan, PlanFixture::Evaluation(0)).state, StageState::kDone);
}

// Of two processes that want the same stage, the one that waited takes the other's failure as the
// answer.
TEST_F(SchedulerTest, AnotherProcessesFailureIsTheAnswer) {
  const PlanFixture plan(1);
  auto results = plan.OpenWithPlan();
  results::ClaimRequest request;
  request.stage = plan.Key(0);
  request.owner = base::ProcessIdentity::Self().Format();
  request.writer = "other";
  request.spec = "{}";
  results.Claim(request);
  std::thread other([&] {
    usleep(200000);
    auto own = plan.Open();
    results::FailRecord record;
    record.stage = plan.Key(0);
    record.attempt = 1;
    record.writer = "other";
    record.cause = "error";
    record.text = "a truncated clip";
    own.Fail(record);
  });
  const RunOutcome outcome = Run(plan, results);
  other.join();
  EXPECT_EQ(outcome.executed, 0);
  EXPECT_EQ(outcome.failed, 1);
  EXPECT_EQ(State(plan, 0).attempt, 1);
}

}  // namespace
}  // namespace cross4d::launch
