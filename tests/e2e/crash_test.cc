// SPDX-License-Identifier: Apache-2.0
// kill -9 of everything at random moments, then once more to the end.
#include "core/base/seed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <set>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

constexpr int kKills = 6;

// Starts the experiment and kills it after a part of the time that the whole sweep takes. The
// workers die with their parent.
void StartAndKill(const Place& place, const std::string& file, double seconds) {
  const auto child = place.Start({"run", file}, "killed");
  usleep(static_cast<useconds_t>(seconds * 1e6));
  child->Signal(SIGKILL);
  child->Wait();
}

void ExpectSameTableAfterKills(const std::string& experiment, std::uint64_t seed) {
  const Place calm, rough;
  const auto start = std::chrono::steady_clock::now();
  const Result undisturbed = calm.Run({"run", calm.Write("x.toml", experiment)});
  ASSERT_TRUE(undisturbed.Ok()) << undisturbed.err;
  const double whole =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  const std::string file = rough.Write("x.toml", experiment);
  base::SplitMix64 random(seed);
  std::vector<std::string> finished;
  for (int i = 0; i < kKills; ++i) {
    StartAndKill(rough, file, random.Uniform() * whole / 2);
    const auto now = rough.FinishedSpools();
    EXPECT_THAT(now, testing::IsSupersetOf(finished));
    finished = now;
  }
  const Result last = rough.Run({"run", file});
  ASSERT_TRUE(last.Ok()) << last.err;
  EXPECT_EQ(last.out, undisturbed.out);
  EXPECT_EQ(rough.Run({"table", "--all", "--format", "json"}).out,
            calm.Run({"table", "--all", "--format", "json"}).out);
  const auto spools = rough.FinishedSpools();
  EXPECT_EQ(std::set<std::string>(spools.begin(), spools.end()).size(), spools.size())
      << "a finished stage was executed again";
  EXPECT_EQ(spools.size(), calm.FinishedSpools().size());
  rough.ExpectHealthy();
}

TEST(CrashTest, NoopSweep) { ExpectSameTableAfterKills(NoopExperiment("noop", 6, 5), 1); }
TEST(CrashTest, NoopSweepAtOtherMoments) {
  ExpectSameTableAfterKills(NoopExperiment("noop", 6, 5), 2);
}
TEST(CrashTest, TrainingSweep) { ExpectSameTableAfterKills(TinyExperiment("tiny", 2), 3); }

}  // namespace
}  // namespace cross4d::e2e
