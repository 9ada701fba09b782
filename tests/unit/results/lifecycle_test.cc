// SPDX-License-Identifier: Apache-2.0
#include "core/base/hash.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "support.h"

namespace cross4d::results {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Lifecycle : public testing::Test {
 protected:
  Lifecycle() {
    plan_.Run("r1", 0, {{"objective.plugin", "dense"}});
    plan_.Run("r2", 1, {{"objective.plugin", "dense"}});
    store_.RecordPlan(plan_.record);
  }
  StageStatus Status(const std::string& key) { return store_.StateOf({key})[0]; }
  void ExpectHealthy() { EXPECT_THAT(store_.Check(false).problems, IsEmpty()); }

  TempFolder folder_;
  TestPlan plan_;
  ResultStore store_ = ResultStore::Open(folder_ / "results.db", OpenMode::kWrite);
};

TEST_F(Lifecycle, ClaimThenFinish) {
  EXPECT_EQ(Status("e0r1").state, StageState::kPlanned);
  const ClaimResult claim = store_.Claim(Request("e0r1"));
  ASSERT_EQ(claim.kind, ClaimResult::Kind::kClaimed);
  EXPECT_EQ(claim.attempt, 1);
  const StageStatus running = Status("e0r1");
  EXPECT_EQ(running.state, StageState::kRunning);
  EXPECT_EQ(running.writer, "w1");
  EXPECT_EQ(running.owner, base::ProcessIdentity::Self().Format());
  ExpectHealthy();

  EXPECT_EQ(store_.Finish(Done("e0r1", 1)), WriteResult::kWritten);
  const StageStatus done = Status("e0r1");
  EXPECT_EQ(done.state, StageState::kDone);
  EXPECT_EQ(done.attempt, 1);
  EXPECT_THAT(store_.Plugins(done.plugins), testing::SizeIs(2));
  EXPECT_EQ(store_.Plugins(done.plugins)[0].role, "dataset");
  EXPECT_EQ(store_.Artifact("e0r1")->hash, "hash-e0r1");
  EXPECT_EQ(store_.Claim(Request("e0r1")).kind, ClaimResult::Kind::kDone);
  ExpectHealthy();
}

TEST_F(Lifecycle, UnknownStageIsSaidSo) {
  EXPECT_FALSE(Status("abcd").known);
  EXPECT_EQ(store_.Claim(Request("abcd")).kind, ClaimResult::Kind::kUnknown);
  EXPECT_EQ(store_.Finish(Done("abcd", 1)), WriteResult::kRefused);
}

TEST_F(Lifecycle, OnlyOneGetsIt) {
  ASSERT_EQ(store_.Claim(Request("e0r1")).kind, ClaimResult::Kind::kClaimed);
  const ClaimResult second = store_.Claim(Request("e0r1", "w2"));
  EXPECT_EQ(second.kind, ClaimResult::Kind::kBusy);
  EXPECT_EQ(second.status.writer, "w1");
}

TEST_F(Lifecycle, FinishTwiceChangesNothing) {
  store_.Claim(Request("e0r1"));
  EXPECT_EQ(store_.Finish(Done("e0r1", 1)), WriteResult::kWritten);
  EXPECT_EQ(store_.Finish(Done("e0r1", 1, "w1", {{"accuracy", -1, 0.9}})), WriteResult::kAlready);
  EXPECT_EQ(One(store_, "SELECT value FROM metric_final WHERE run = 'r1'"), "0.5");
}

TEST_F(Lifecycle, LateWriterIsRefused) {
  store_.Claim(Request("e0r1", "old"));
  FailRecord lost = Failed("e0r1", 1, "its process died", "", "old");
  lost.state = StageState::kLost;
  ASSERT_EQ(store_.Fail(lost), WriteResult::kWritten);
  ASSERT_EQ(store_.Claim(Request("e0r1", "new")).attempt, 2);
  // The old writer wakes up, while the new one runs and after it has finished.
  EXPECT_EQ(store_.Finish(Done("e0r1", 1, "old")), WriteResult::kRefused);
  EXPECT_EQ(store_.Finish(Done("e0r1", 2, "old")), WriteResult::kRefused);
  EXPECT_EQ(store_.AddMetrics("e0r1", 1, "old", {{"loss", 1, 9}}), WriteResult::kRefused);
  EXPECT_EQ(store_.Finish(Done("e0r1", 2, "new")), WriteResult::kWritten);
  EXPECT_EQ(store_.Finish(Done("e0r1", 1, "old")), WriteResult::kRefused);
  EXPECT_EQ(store_.Fail(Failed("e0r1", 2, "error", "late", "new")), WriteResult::kRefused);
  EXPECT_EQ(Status("e0r1").state, StageState::kDone);
  EXPECT_EQ(One(store_, "SELECT count(*) FROM metrics"), "1");
  ExpectHealthy();
}

TEST_F(Lifecycle, FailuresKeepTheirCause) {
  store_.Claim(Request("e0r1"));
  FailRecord fail = Failed("e0r1", 1, "signal 11 (SIGSEGV)", "the worker died");
  fail.log_tail = "last words";
  fail.metrics = {{"loss", 0, 2.5}};
  ASSERT_EQ(store_.Fail(fail), WriteResult::kWritten);
  EXPECT_EQ(store_.Fail(fail), WriteResult::kAlready);
  EXPECT_EQ(Status("e0r1").cause, "signal 11 (SIGSEGV)");
  const RunDetail detail = store_.Show("r1");
  EXPECT_EQ(detail.run.state, "failed");
  EXPECT_EQ(detail.run.cause, "signal 11 (SIGSEGV)");
  EXPECT_EQ(detail.run.failed_stage, "encoder");
  EXPECT_EQ(detail.stages[1].attempts[0].log_tail, "last words");
  EXPECT_EQ(detail.stages[1].attempts[0].text, "the worker died");
  EXPECT_EQ(detail.stages[1].metrics[0].value, 2.5);
  EXPECT_EQ(detail.options.at("targets.dim"), "384");
  EXPECT_EQ(detail.options.at("objective.plugin"), "dense");

  // An error is shown by its first line.
  store_.Claim(Request("a0r1probe"));
  store_.Fail(Failed("a0r1probe", 1, "error", "frame 3 of clip a07: cut short\nsecond line"));
  EXPECT_EQ(Status("a0r1probe").cause, "frame 3 of clip a07: cut short");
  ExpectHealthy();
}

TEST_F(Lifecycle, LongCausesAreCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "é";
  store_.Claim(Request("e0r1"));
  store_.Fail(Failed("e0r1", 1, "error", "x" + text));
  const std::string cause = Status("e0r1").cause;
  EXPECT_LT(cause.size(), 410u);
  EXPECT_EQ(cause.substr(cause.size() - 5), "é…");
}

TEST_F(Lifecycle, FailedStagesAreRetriedUnlessSomebodyElseTriedMeanwhile) {
  const std::int64_t before = Status("e0r1").attempt;
  store_.Claim(Request("e0r1"));
  store_.Fail(Failed("e0r1", 1, "error", "no"));
  ClaimRequest waited = Request("e0r1", "w2");
  waited.after_attempt = before;
  const ClaimResult answer = store_.Claim(waited);
  EXPECT_EQ(answer.kind, ClaimResult::Kind::kChanged);
  EXPECT_EQ(answer.status.cause, "no");
  waited.after_attempt = 1;
  EXPECT_EQ(store_.Claim(waited).attempt, 2);
}

TEST_F(Lifecycle, CancelledIsClaimedWhateverWasKnown) {
  store_.Claim(Request("e0r1"));
  FailRecord cancelled = Failed("e0r1", 1, "cancelled");
  cancelled.state = StageState::kCancelled;
  store_.Fail(cancelled);
  ClaimRequest request = Request("e0r1", "w2");
  request.after_attempt = 0;
  EXPECT_EQ(store_.Claim(request).attempt, 2);
}

TEST_F(Lifecycle, DeadOwnerIsTakenOver) {
  const pid_t child = Fork([&] {
    ResultStore store = ResultStore::Open(folder_ / "results.db", OpenMode::kWrite);
    return store.Claim(Request("e0r1", "child")).kind == ClaimResult::Kind::kClaimed ? 0 : 1;
  });
  ASSERT_EQ(WaitFor(child), 0);
  EXPECT_EQ(Status("e0r1").state, StageState::kRunning);
  EXPECT_EQ(store_.Running().size(), 1u);
  EXPECT_THAT(store_.Check(false).notes, testing::Contains(HasSubstr("is dead")));

  ClaimRequest careful = Request("e0r1", "w2");
  careful.take_over = false;
  const ClaimResult dead = store_.Claim(careful);
  EXPECT_EQ(dead.kind, ClaimResult::Kind::kDead);
  EXPECT_EQ(dead.status.writer, "child");

  const ClaimResult claim = store_.Claim(Request("e0r1", "w2"));
  EXPECT_EQ(claim.kind, ClaimResult::Kind::kClaimed);
  EXPECT_TRUE(claim.took_over);
  EXPECT_EQ(claim.attempt, 2);
  EXPECT_EQ(One(store_, "SELECT state || ': ' || cause FROM attempts WHERE number = 1"),
            "lost: its process died");
  ExpectHealthy();
}

TEST_F(Lifecycle, OwnerOnAnotherHostIsLeftAlone) {
  ClaimRequest remote = Request("e0r1", "remote");
  remote.owner = "some-other-host/boot/123/456";
  store_.Claim(remote);
  EXPECT_EQ(store_.Claim(Request("e0r1", "w2")).kind, ClaimResult::Kind::kBusy);
}

TEST_F(Lifecycle, MetricsAreIngestedOnce) {
  store_.Claim(Request("e0r1"));
  EXPECT_EQ(store_.AddMetrics("e0r1", 1, "w1", {{"loss", 0, 2.0}, {"loss", 1, 1.5}}),
            WriteResult::kWritten);
  EXPECT_EQ(store_.AddMetrics("e0r1", 1, "w1", {{"loss", 1, 7.0}, {"loss", 2, 1.0}}),
            WriteResult::kWritten);
  store_.Finish(Done("e0r1", 1, "w1", {{"loss", 2, 8.0}, {"loss", -1, 1.0}}));
  EXPECT_EQ(One(store_, "SELECT group_concat(value) FROM metrics WHERE step >= 0"), "2.0,1.5,1.0");
}

TEST_F(Lifecycle, MissingValuesAreNull) {
  store_.Claim(Request("a0r1probe"));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  store_.Finish(Done("a0r1probe", 1, "w1", {{"accuracy", -1, nan}}));
  EXPECT_EQ(store_.Query("SELECT value FROM metrics").rows[0][0].type, SqlResult::Type::kNull);
  EXPECT_EQ(store_.Query("SELECT block FROM runs").rows[0][0].type, SqlResult::Type::kNull);
  const auto values = store_.PlanValues(store_.LatestPlans()[0].id, "probe", "accuracy");
  EXPECT_FALSE(values[0].has_value());
}

TEST_F(Lifecycle, FinishNeedsAnArtifact) {
  store_.Claim(Request("e0r1"));
  FinishRecord record = Done("e0r1", 1);
  record.artifact.hash.clear();
  EXPECT_THROW(store_.Finish(record), Error);
  EXPECT_EQ(Status("e0r1").state, StageState::kRunning);
}

TEST_F(Lifecycle, ContradictingFingerprintIsAnErrorThatNamesBoth) {
  store_.Claim(Request("f0f0"));
  FinishRecord first = Done("f0f0", 1);
  first.fingerprints = {{"noop{}", "aaaa", "/data/one"}};
  store_.Finish(first);
  EXPECT_EQ(store_.FindFingerprint("noop{}")->location, "/data/one");
  EXPECT_FALSE(store_.FindFingerprint("other").has_value());

  store_.Claim(Request("e0r1"));
  FinishRecord second = Done("e0r1", 1);
  second.fingerprints = {{"noop{}", "bbbb", "/data/two"}};
  try {
    store_.Finish(second);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/data/one"));
    EXPECT_THAT(error.what(), HasSubstr("/data/two"));
  }
  EXPECT_EQ(Status("e0r1").state, StageState::kRunning) << "the transaction was rolled back";
}

TEST_F(Lifecycle, RedoMakesANewAttempt) {
  store_.Claim(Request("e0r1"));
  store_.Finish(Done("e0r1", 1));
  EXPECT_EQ(store_.Reset({"e0r1", "e0r2", "nothing"}), 1);
  EXPECT_EQ(Status("e0r1").state, StageState::kPlanned);
  EXPECT_FALSE(store_.Artifact("e0r1").has_value());
  EXPECT_EQ(store_.Claim(Request("e0r1", "w2")).attempt, 2);
  EXPECT_EQ(store_.Reset({"e0r1"}), 0) << "a running stage is left alone";
  store_.Finish(Done("e0r1", 2, "w2", {{"accuracy", -1, 0.75}}));
  EXPECT_EQ(One(store_, "SELECT value FROM metric_final WHERE run = 'r1'"), "0.75");
  EXPECT_EQ(One(store_, "SELECT count(*) FROM attempts"), "2");
  ExpectHealthy();
}

TEST_F(Lifecycle, DoneStagesCannotBeChangedEvenBySql) {
  store_.Claim(Request("e0r1"));
  store_.Finish(Done("e0r1", 1));
  for (const char* sql : {"UPDATE stages SET state = 'failed'",
                          "DELETE FROM stages",
                          "VACUUM",
                          "SELECT 1; SELECT 2",
                          "nonsense",
                          "",
                          "PRAGMA user_version = 3",
                          "ATTACH 'x.db' AS x",
                          "CREATE TABLE t (a)"}) {
    EXPECT_THROW(store_.Query(sql), Error) << sql;
  }
  EXPECT_EQ(One(store_, "SELECT state FROM stages WHERE key = 'e0r1' -- a comment ; \n;"), "done");
}

TEST_F(Lifecycle, RunIsDoneWhenAllItsStagesAre) {
  for (const char* key : {"f0f0", "e0r1", "a0r1probe"}) {
    EXPECT_EQ(store_.Runs()[0].state, "planned");
    store_.Claim(Request(key));
    EXPECT_EQ(store_.Runs()[0].state, "running");
    store_.Finish(Done(key, 1));
  }
  const RunRow row = store_.Runs()[0];
  EXPECT_EQ(row.state, "done");
  EXPECT_EQ(row.stages_done, 3);
  EXPECT_EQ(row.attempts, 1);
  EXPECT_TRUE(row.ended.has_value());
  EXPECT_EQ(store_.Runs()[1].state, "planned");
  EXPECT_EQ(store_.Runs()[1].stages_done, 1);
}

TEST_F(Lifecycle, CheckComparesArtifactsWithTheirFiles) {
  const auto artifact = folder_ / "artifact";
  std::filesystem::create_directories(artifact);
  std::ofstream(artifact / "manifest.json") << "{}";
  for (const char* key : {"e0r1", "e0r2"}) {
    store_.Claim(Request(key));
    FinishRecord record = Done(key, 1);
    record.artifact.folder = artifact.string();
    record.artifact.hash = base::Sha256File((artifact / "manifest.json").string());
    if (std::string(key) == "e0r2") record.artifact.folder = (folder_ / "gone").string();
    store_.Finish(record);
  }
  EXPECT_THAT(store_.Check(true).problems, IsEmpty());
  EXPECT_THAT(store_.Check(true).notes, testing::ElementsAre(HasSubstr("is gone")));
  std::ofstream(artifact / "manifest.json") << "{ }";
  EXPECT_THAT(store_.Check(true).problems, testing::ElementsAre(HasSubstr("recorded is")));
}

TEST_F(Lifecycle, DoneEvaluationNeedsAFinalMetric) {
  store_.Claim(Request("a0r1probe"));
  store_.Finish(Done("a0r1probe", 1, "w1", {{"loss", 3, 1.0}}));
  EXPECT_THAT(store_.Check(false).problems, testing::ElementsAre(HasSubstr("no final metric")));
}

TEST_F(Lifecycle, TogetherIsAllOrNothing) {
  store_.Claim(Request("e0r1"));
  store_.Together([&] {
    EXPECT_EQ(store_.Finish(Done("e0r1", 1)), WriteResult::kWritten);
    EXPECT_EQ(store_.AddMetrics("e0r1", 1, "w1", {}), WriteResult::kRefused);
    EXPECT_EQ(store_.Claim(Request("a0r1probe")).kind, ClaimResult::Kind::kClaimed);
    EXPECT_EQ(store_.StateOf({"e0r1"})[0].state, StageState::kDone);
    EXPECT_EQ(store_.Show("r1").run.state, "running");
  });
  EXPECT_EQ(Status("e0r1").state, StageState::kDone);
  EXPECT_THROW(store_.Together([&] {
    store_.Finish(Done("a0r1probe", 1));
    store_.Claim(Request("e0r2"));
    throw Error(ErrorCode::kInput, "no");
  }),
               Error);
  EXPECT_EQ(Status("a0r1probe").state, StageState::kRunning);
  EXPECT_EQ(Status("e0r2").state, StageState::kPlanned);
  EXPECT_EQ(store_.Finish(Done("a0r1probe", 1)), WriteResult::kWritten) << "usable afterwards";
}

TEST_F(Lifecycle, ShowFindsARunByPrefix) {
  EXPECT_EQ(store_.Show("r1").run.key, "r1");
  EXPECT_THROW(store_.Show("r"), Error);   // two
  EXPECT_THROW(store_.Show("zz"), Error);  // none
  EXPECT_THROW(store_.Show(""), Error);
}

}  // namespace
}  // namespace cross4d::results
