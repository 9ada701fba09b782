// SPDX-License-Identifier: Apache-2.0
// From an experiment file to a table, with the real programs and plugins.
#include "core/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <map>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::map<std::string, int> States(const json& plan) {
  std::map<std::string, int> counts;
  for (const json& run : plan.at("runs")) ++counts[run.at("state").get<std::string>()];
  return counts;
}
using Counts = std::map<std::string, int>;

TEST(RunTest, PlanRunTableAndAgain) {
  const Place place;
  const std::string file = place.Write("tiny.toml", TinyExperiment("tiny", 2));
  EXPECT_EQ(States(place.Run({"plan", "--json", file}).Json()), (Counts{{"new", 6}}));
  EXPECT_FALSE(std::filesystem::exists(place / "results.db"));  // plan writes nothing

  const Result run = place.Run({"run", file});
  ASSERT_TRUE(run.Ok()) << run.err;
  EXPECT_THAT(run.out, HasSubstr("dense"));
  EXPECT_EQ(run.out, place.Run({"table", "--all"}).out);
  EXPECT_EQ(States(place.Run({"plan", "--json", file}).Json()), (Counts{{"done", 6}}));
  place.ExpectHealthy();

  const std::size_t spools = place.FinishedSpools().size();
  const Result again = place.Run({"run", file});
  EXPECT_TRUE(again.Ok()) << again.err;
  EXPECT_EQ(again.out, run.out);
  EXPECT_THAT(again.err, HasSubstr("0 stages executed"));
  EXPECT_EQ(place.FinishedSpools().size(), spools);
  EXPECT_LT(again.seconds, 2);
}

TEST(RunTest, WhatTheRunsShareIsExecutedOnce) {
  const Place place;
  ASSERT_TRUE(place.Run({"run", place.Write("tiny.toml", TinyExperiment("tiny", 2))}).Ok());
  const json kinds = place.Sql(
      "SELECT kind, count(*) AS n, max(attempts) AS most FROM stage_summary "
      "GROUP BY kind");
  std::map<std::string, int> counts;
  for (const json& row : kinds) {
    counts[row.at("kind")] = row.at("n");
    EXPECT_EQ(row.at("most"), 1);
  }
  EXPECT_EQ(counts,
            (Counts{{"tokens", 1},
                    {"features", 1},
                    {"targets", 1},
                    {"encoder", 6},
                    {"embeddings", 6},
                    {"evaluation", 12}}));
}

TEST(RunTest, TheSameSeedGivesTheSameMetricsBitForBit) {
  json metrics[2];
  for (json& result : metrics) {
    const Place place;
    const Result run =
        place.Run({"run", place.Write("tiny.toml", TinyExperiment("tiny", 2)), "--workers", "2"});
    ASSERT_TRUE(run.Ok()) << run.err;
    result = place.Sql(
        "SELECT s.key AS stage, m.name AS name, m.step AS step, quote(m.value) AS value "
        "FROM metrics AS m JOIN stages AS s ON s.id = m.stage WHERE m.name NOT LIKE '%seconds%' "
        "ORDER BY 1, 2, 3");
  }
  EXPECT_GT(metrics[0].size(), 50U);
  EXPECT_EQ(metrics[0], metrics[1]);
}

TEST(RunTest, AFurtherSeedAndAFurtherEvaluationExtend) {
  const Place place;
  const std::string file = place.Write("noop.toml", NoopExperiment("noop", 2, 1));
  ASSERT_TRUE(place.Run({"run", file}).Ok());
  place.Write("noop.toml", NoopExperiment("noop", 2, 2));
  EXPECT_EQ(States(place.Run({"plan", "--json", file}).Json()), (Counts{{"done", 2}, {"new", 2}}));
  ASSERT_TRUE(place.Run({"run", file}).Ok());

  place.Write("noop.toml",
              NoopExperiment("noop", 2, 2) +
                  "[[evaluate]]\nname = \"probe-z\"\nprotocol = \"linear-probe\"\n"
                  "epochs = 1\nstandardize = true\n");
  EXPECT_EQ(States(place.Run({"plan", "--json", file}).Json()), (Counts{{"partly done", 4}}));
  const Result run = place.Run({"run", file});
  EXPECT_TRUE(run.Ok()) << run.err;
  EXPECT_THAT(run.err, HasSubstr("4 stages executed"));
  place.ExpectHealthy();
}

TEST(RunTest, SetSeedsAndOnlyReplaceForThisCall) {
  const Place place;
  const std::string file = place.Write("noop.toml", NoopExperiment("noop", 2, 3));
  const json plan =
      place.Run({"plan", "--json", file, "--seeds", "5", "--set", "pretrain.lr=0.5"}).Json();
  ASSERT_EQ(plan.at("runs").size(), 1U);
  EXPECT_EQ(plan.at("runs")[0].at("seed"), 5);

  ASSERT_TRUE(place.Run({"run", file, "--only", "seed=1"}).Ok());
  EXPECT_EQ(States(place.Run({"plan", "--json", file}).Json()), (Counts{{"done", 2}, {"new", 4}}));
  EXPECT_THAT(place.Run({"table", "noop"}).out, HasSubstr("1/3"));  // the whole plan is recorded
  const Result wrong = place.Run({"run", file, "--only", "sead=1"});
  EXPECT_EQ(wrong.status.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'seed'"));
}

TEST(RunTest, AFolderOfExperimentsIsOnePlan) {
  const Place place;
  place.Write("all/a.toml", NoopExperiment("first", 2, 1));
  place.Write("all/b.toml", NoopExperiment("second", 3, 1));
  const Result run = place.Run({"run", (place / "all").string()});
  ASSERT_TRUE(run.Ok()) << run.err;
  const json shared = place.Sql("SELECT count(*) AS n FROM stage_summary WHERE kind = 'encoder'");
  EXPECT_EQ(shared[0].at("n"), 3);  // the first's two are among the second's three
  EXPECT_EQ(place.Sql("SELECT count(*) AS n FROM run_summary WHERE state = 'done'")[0].at("n"), 5);
  EXPECT_EQ(run.out, place.Run({"table", "--all"}).out);
}

TEST(RunTest, AnArtifactThatIsGoneComesBackOnlyWhenNeeded) {
  const Place place;
  const std::string file = place.Write("noop.toml", NoopExperiment("noop", 1, 1));
  ASSERT_TRUE(place.Run({"run", file}).Ok());
  std::filesystem::remove_all(place / "store/stages");
  EXPECT_THAT(place.Run({"run", file}).err, HasSubstr("0 stages executed"));
  place.Write("noop.toml", NoopExperiment("noop", 1, 2));
  const Result run = place.Run({"run", file});
  EXPECT_TRUE(run.Ok()) << run.err;
  EXPECT_THAT(run.err, HasSubstr("4 stages executed"));  // tokens again, and the new seed's three
}

TEST(RunTest, ShowRunsAndSqlSayWhatHappened) {
  const Place place;
  ASSERT_TRUE(place.Run({"run", place.Write("noop.toml", NoopExperiment("noop", 1, 1))}).Ok());
  const json runs = place.Run({"runs", "--json"}).Json().at("runs");
  ASSERT_EQ(runs.size(), 1U);
  const std::string key = runs[0].at("key");
  const json shown = place.Run({"show", key.substr(0, 6), "--json"}).Json();
  EXPECT_EQ(shown.at("key"), key);
  const json& encoder = shown.at("stages").at(1);
  EXPECT_EQ(encoder.at("kind"), "encoder");
  const json& attempt = encoder.at("attempts").at(0);
  EXPECT_EQ(attempt.at("threads"), 1);
  EXPECT_FALSE(attempt.at("host").get<std::string>().empty());
  for (const json& plugin : attempt.at("plugins")) {
    EXPECT_EQ(plugin.at("sha256").get<std::string>().size(), 64U);
    EXPECT_EQ(plugin.at("build_id").get<std::string>().size(), 40U);
  }
  EXPECT_THAT(place.Run({"show", key}).out, HasSubstr("probe.accuracy"));
  EXPECT_EQ(place.Run({"sql", "DELETE FROM runs"}).status.code, 2);
}

TEST(RunTest, TableChecksAgainstAFile) {
  const Place place;
  ASSERT_TRUE(place.Run({"run", place.Write("noop.toml", NoopExperiment("noop", 1, 1))}).Ok());
  const std::string markdown = place.Run({"table", "--format", "markdown"}).out;
  const std::string file = place.Write("table.md", markdown);
  EXPECT_TRUE(place.Run({"table", "--format", "markdown", "--check", file}).Ok());
  place.Write("table.md", markdown + "\n");
  EXPECT_EQ(place.Run({"table", "--format", "markdown", "--check", file}).status.code, 1);
  EXPECT_TRUE(place.Run({"table", "--format", "json"}).Json().is_array());
}

TEST(RunTest, CacheAndDatabaseAreMaintained) {
  const Place place;
  ASSERT_TRUE(place.Run({"run", place.Write("noop.toml", NoopExperiment("noop", 1, 1))}).Ok());
  EXPECT_THAT(place.Run({"cache", "ls"}).out, HasSubstr("4 stages"));
  EXPECT_THAT(place.Run({"cache", "verify"}).out, HasSubstr("4 artifacts intact, 0 damaged"));
  EXPECT_THAT(place.Run({"cache", "gc"}).out, HasSubstr("would remove 0 entries"));
  const std::string copy = (place / "copy.db").string();
  ASSERT_TRUE(place.Run({"db", "backup", copy}).Ok());
  EXPECT_EQ(place.Run({"table", "--all", "--db", copy}).out, place.Run({"table", "--all"}).out);
  EXPECT_TRUE(place.Run({"db", "migrate"}).Ok());
}

// Ctrl-C once: the current stage stops, everything is recorded, the next call goes on.
TEST(RunTest, InterruptStopsCleanlyAndIsResumed) {
  const Place place;
  const std::string text = NoopExperiment("noop", 1, 3) + "[objective.faulty]\nfault = \"slow\"\n";
  const std::string file = place.Write("slow.toml", text);
  const std::vector<std::string> arguments = {"run",
                                              file,
                                              "--workers",
                                              "1",
                                              "--set",
                                              "objective.plugin=faulty",
                                              "--set",
                                              "pretrain.epochs=3"};
  const auto child = place.Start(arguments, "slow");
  while (place.FinishedSpools().empty()) usleep(20000);  // tokens
  usleep(200000);
  child->Signal(SIGINT);
  const Result stopped = place.Wait(*child, "slow");
  EXPECT_EQ(stopped.status.code, 130) << stopped.err;
  EXPECT_EQ(place.Sql("SELECT count(*) AS n FROM stage_summary WHERE state = 'running'")[0].at("n"),
            0);
  place.ExpectHealthy();
  const auto before = place.FinishedSpools();
  const Result resumed = place.Run(arguments);
  EXPECT_TRUE(resumed.Ok()) << resumed.err;
  EXPECT_THAT(place.FinishedSpools(), testing::IsSupersetOf(before));
  EXPECT_EQ(place.FinishedSpools().size(), 10U);
}

// Twice: at once.
TEST(RunTest, ASecondInterruptEndsAtOnce) {
  const Place place;
  const std::string text = NoopExperiment("noop", 1, 1) + "[objective.faulty]\nfault = \"slow\"\n";
  const auto child = place.Start({"run",
                                  place.Write("slow.toml", text),
                                  "--set",
                                  "objective.plugin=faulty",
                                  "--set",
                                  "pretrain.epochs=1000"},
                                 "slow");
  while (place.FinishedSpools().empty()) usleep(20000);
  usleep(200000);
  child->Signal(SIGINT);
  usleep(1000);
  child->Signal(SIGTERM);
  const Result stopped = place.Wait(*child, "slow");
  EXPECT_EQ(stopped.status.code, 130) << stopped.err;
  place.ExpectHealthy();
}

}  // namespace
}  // namespace cross4d::e2e
