// SPDX-License-Identifier: Apache-2.0
#include "core/report/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "tests/unit/results/support.h"

namespace cross4d::report {
namespace {

using results::Done;
using results::OpenMode;
using results::Request;
using results::ResultStore;
using results::TempFolder;
using results::TestPlan;

constexpr const char* kThreeObjectives[] = {"none", "global", "dense"};

/// CPU seconds of this process.
double Cpu() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

TEST(TableScale, TenThousandRuns) {
  TempFolder folder;
  TestPlan plan;
  plan.record.tables =
      R"([{"name": "t", "rows": "x", "columns": "objective.plugin", "value": "probe.accuracy",
    "where": {"targets.dim": 384}, "order": ["none", "global", "dense"]}])";
  for (int i = 0; i < 10000; ++i) {
    plan.Run("r" + std::to_string(i),
             i / 900,
             {{"x", std::to_string(i % 300)}, {"objective.plugin", kThreeObjectives[i / 300 % 3]}});
  }
  {
    ResultStore store = ResultStore::Open(folder / "results.db", OpenMode::kWrite);
    store.RecordPlan(plan.record);
    store.Together([&] {
      for (int i = 0; i < 10000; ++i) {
        const std::string stage = "a0r" + std::to_string(i) + "probe";
        store.Claim(Request(stage));
        std::vector<results::MetricRecord> metrics = {{"accuracy", -1, i % 7 * 0.1}};
        for (int step = 0; step < 20; ++step) metrics.push_back({"loss", step, 1.0 / (step + 1)});
        store.Finish(Done(stage, 1, "w1", metrics));
      }
    });
  }
  const double start = Cpu();
  ResultStore store = ResultStore::Open(folder / "results.db", OpenMode::kRead);
  const std::string text = Render(BuildTables(store), {});
  const double seconds = Cpu() - start;
  std::printf("table of 10,000 runs: %.0f ms CPU\n", seconds * 1e3);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 303);
  EXPECT_LT(seconds, 2);
}

}  // namespace
}  // namespace cross4d::report
