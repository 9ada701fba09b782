// SPDX-License-Identifier: Apache-2.0
// Eight processes start the same experiment on a database that does not exist.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

TEST(ConcurrentTest, EightProcessesDoEveryStageOnce) {
  constexpr int kProcesses = 8;
  const Place place;
  const std::string file = place.Write("noop.toml", NoopExperiment("noop", 5, 4));
  std::vector<std::unique_ptr<base::ChildProcess>> children;
  for (int i = 0; i < kProcesses; ++i) {
    children.push_back(place.Start({"run", file, "--workers", "1"}, "p" + std::to_string(i)));
  }
  std::vector<Result> results(kProcesses);
  std::vector<std::thread> readers;
  for (int i = 0; i < kProcesses; ++i) {
    readers.emplace_back(
        [&, i] { results[i] = place.Wait(*children[i], "p" + std::to_string(i)); });
  }
  for (std::thread& reader : readers) reader.join();

  for (const Result& result : results) {
    EXPECT_TRUE(result.Ok()) << result.err;
    EXPECT_EQ(result.out, results[0].out);  // each reports as if it had run everything
  }
  const auto finished = place.FinishedSpools();
  EXPECT_EQ(finished.size(), 1 + 20 * 3);
  EXPECT_EQ(std::set<std::string>(finished.begin(), finished.end()).size(), finished.size());
  EXPECT_EQ(place.Sql("SELECT max(attempts) AS n FROM stage_summary")[0].at("n"), 1);
  EXPECT_EQ(place.Sql("SELECT count(*) AS n FROM run_summary WHERE state = 'done'")[0].at("n"), 20);
  place.ExpectHealthy();
}

}  // namespace
}  // namespace cross4d::e2e
