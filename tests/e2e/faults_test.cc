// SPDX-License-Identifier: Apache-2.0
// Plugins that break and disks that fill: the stage fails with its cause, the others go on.
#include "core/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string FaultyExperiment(const std::string& faults) {
  return "name = \"faulty\"\n"
         "[dataset]\nplugin = \"noop\"\n[student]\nplugin = \"noop\"\n"
         "[objective]\nplugin = \"faulty\"\n[pretrain]\nepochs = 3\n"
         "[[evaluate]]\nname = \"probe\"\nprotocol = \"linear-probe\"\nepochs = 1\n"
         "[grid]\n\"objective.faulty.fault\" = [" +
         faults +
         "]\n"
         "[[table]]\nname = \"faulty\"\nrows = \"objective.fault\"\nvalue = \"probe.accuracy\"\n";
}

// The cause that the database has for each fault.
std::map<std::string, std::string> Causes(const Place& place) {
  std::map<std::string, std::string> causes;
  for (const json& row :
       place.Sql("SELECT json_extract(axes, '$.\"objective.faulty.fault\"') AS a, "
                 "json_extract(axes, '$.\"objective.fault\"') AS b, cause, state "
                 "FROM run_summary")) {
    const json& fault = row.at("a").is_null() ? row.at("b") : row.at("a");
    causes[fault.get<std::string>()] =
        row.at("state") == "done" ? "done" : row.at("cause").get<std::string>();
  }
  return causes;
}

TEST(FaultsTest, OnlyTheRunOfTheBrokenPluginFails) {
  const Place place;
  const std::string file = place.Write(
      "faulty.toml",
      FaultyExperiment(R"("none", "error", "throw", "throw-int", "segfault", "abort", "exit")"));
  const Result run = place.Run({"run", file, "--workers", "2"});
  EXPECT_EQ(run.status.code, 1);
  const auto causes = Causes(place);
  EXPECT_EQ(causes.at("none"), "done");
  EXPECT_THAT(causes.at("error"), HasSubstr("faulty was told to fail"));
  EXPECT_THAT(causes.at("throw"), HasSubstr("thrown by the plugin"));
  EXPECT_EQ(causes.at("segfault"), "signal 11 (SIGSEGV)");
  EXPECT_EQ(causes.at("abort"), "signal 6 (SIGABRT)");
  EXPECT_EQ(causes.at("exit"), "exit code 7");
  EXPECT_THAT(run.err, HasSubstr("signal 11 (SIGSEGV)"));  // at once, with the run's name
  EXPECT_THAT(run.err, HasSubstr("segfault seed 0"));
  place.ExpectHealthy();

  // What failed for its own reason waits for --redo failed.
  const Result again = place.Run({"run", file});
  EXPECT_EQ(again.status.code, 1);
  EXPECT_THAT(again.err, HasSubstr("0 stages executed"));
  EXPECT_THAT(again.err, HasSubstr("--redo failed tries it again"));
  place.Run({"run", file, "--redo", "failed", "--only", "objective.faulty.fault=segfault"});
  EXPECT_EQ(place.Sql("SELECT max(attempts) AS n FROM run_summary")[0].at("n"), 2);
}

// Step, term, and what is left to go on from.
TEST(FaultsTest, ALossThatIsNotFiniteEndsTheRunWithItsPlace) {
  const Place place;
  const std::string file = place.Write("faulty.toml", FaultyExperiment(R"("nan", "infinite")"));
  EXPECT_EQ(place.Run({"run", file}).status.code, 1);
  const auto causes = Causes(place);
  EXPECT_THAT(causes.at("nan"), HasSubstr("the objective's loss is NaN at step 2 of "));
  EXPECT_THAT(causes.at("infinite"), HasSubstr("the objective's loss is infinite at step 2 of "));
  EXPECT_THAT(causes.at("nan"), HasSubstr("no checkpoint was written yet"));
}

TEST(FaultsTest, AWorkerKilledFromOutsideIsTriedAgain) {
  const Place place;
  const std::string file = place.Write("faulty.toml", FaultyExperiment("\"kill\""));
  EXPECT_EQ(place.Run({"run", file}).status.code, 1);
  EXPECT_THAT(Causes(place).at("kill"), testing::AnyOf("signal 9 (SIGKILL)", "out of memory"));
  EXPECT_EQ(place.Run({"run", file}).status.code, 1);
  EXPECT_EQ(place.Sql("SELECT max(attempts) AS n FROM run_summary")[0].at("n"), 2);
}

TEST(FaultsTest, FailFastStops) {
  const Place place;
  const std::string file =
      place.Write("faulty.toml", FaultyExperiment(R"("error", "none", "throw")"));
  EXPECT_EQ(place.Run({"run", file, "--workers", "1", "--fail-fast"}).status.code, 1);
  EXPECT_EQ(place.Sql("SELECT count(*) AS n FROM run_summary WHERE state = 'planned'")[0].at("n"),
            2);
}

// A clip that is cut off is named, and the grid goes on.
TEST(FaultsTest, ATruncatedClipIsNamed) {
  const Place place;
  const std::string data = (place / "utd").string();
  std::filesystem::create_directories(data + "/Depth");
  for (const char* name : {"a1_s1_t1", "a1_s2_t1", "a2_s1_t1", "a2_s2_t1"}) {
    std::ofstream(data + "/Depth/" + name + "_depth.mat") << "MATLAB 5.0 MAT-file, cut off";
  }
  place.Write("all/a.toml",
              "name = \"utd\"\n[dataset]\nplugin = \"utd-mhad\"\nroot = \"" + data +
                  "\"\n[student]\nplugin = \"point4d\"\npreset = \"quickstart\"\n"
                  "[objective]\nplugin = \"none\"\n"
                  "[[evaluate]]\nname = \"probe\"\nprotocol = \"linear-probe\"\nepochs = 1\n");
  place.Write("all/b.toml", NoopExperiment("noop", 1, 1));
  const Result run = place.Run({"run", (place / "all").string()});
  EXPECT_EQ(run.status.code, 1) << run.err;
  EXPECT_THAT(run.err, HasSubstr("_depth.mat"));
  const json states = place.Sql("SELECT experiment, state FROM run_summary ORDER BY experiment");
  EXPECT_EQ(states[0].at("state"), "done");
  EXPECT_EQ(states[1].at("state"), "failed");
  place.ExpectHealthy();
}

// A disk that is full for the store: a cause, not a crash; with space again the run goes on.
TEST(FaultsTest, AFullDiskIsACauseAndIsTriedAgain) {
  const Place place;
  const std::string file = place.Write("tiny.toml", TinyExperiment("tiny", 1));
  const std::string small = (place / "small").string();
  std::filesystem::create_directory(small);
  const std::string shell = "mount -t tmpfs -o size=300k tmpfs '" + small + "' || exit 77; '" +
                            Program("cross4d") + "' run '" + file + "' --db '" +
                            (place / "results.db").string() + "' --store '" + small + "/store'";
  base::ChildProcess::Options options;
  options.arguments = {"/usr/bin/unshare", "-rm", "/bin/sh", "-c", shell};
  options.stderr_file = (place / "full.err").string();
  base::ChildProcess child(options);
  const Result full = place.Wait(child, "full");
  if (full.status.code == 77 || full.err.find("unshare") != std::string::npos) {
    GTEST_SKIP() << "no file system of its own here: " << full.err;
  }
  EXPECT_EQ(full.status.signal, 0);
  EXPECT_NE(full.status.code, 0);
  EXPECT_THAT(full.err, HasSubstr("disk full"));
  const Result after = place.Run({"run", file});
  EXPECT_TRUE(after.Ok()) << after.err;
  place.ExpectHealthy();
}

}  // namespace
}  // namespace cross4d::e2e
