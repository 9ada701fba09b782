// SPDX-License-Identifier: Apache-2.0
// kill -9 while a slow teacher encodes: what it has finished is kept, and the artifact is the same.
#include "core/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <sstream>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

namespace fs = std::filesystem;

constexpr int kClips = 24;  // half of them for training
constexpr int kTrain = kClips / 2;

std::string Experiment(const Place& place, const std::string& projection, int cameras) {
  return "name = \"slow\"\n"
         "[dataset]\nplugin = \"synthetic4d\"\nsubjects = 4\nactions = 3\nrepetitions = 2\n"
         "frames = 4\npoints = 64\nsurface_points = 600\n"
         "[teacher]\nplugin = \"noop\"\ndelay_ms = 60\n"
         "log = \"" +
         (place / "encoded.log").string() +
         "\"\n"
         "[targets]\nimage_size = 32\ndim = 2\nprojection = \"" +
         projection + "\"\ncameras = " + std::to_string(cameras) +
         "\n[student]\nplugin = \"noop\"\n"
         "[objective]\nplugin = \"dense\"\n[pretrain]\nepochs = 1\n"
         "[[evaluate]]\nname = \"probe\"\nprotocol = \"linear-probe\"\nepochs = 1\n"
         "[[table]]\nname = \"slow\"\nrows = \"dataset.plugin\"\nvalue = \"probe.accuracy\"\n";
}

int Encoded(const Place& place) {
  if (!fs::exists(place / "encoded.log")) return 0;
  const std::string text = base::ReadFile(place / "encoded.log");
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

std::optional<fs::path> Find(const Place& place, const std::string& name) {
  const fs::path stages = place / "store/stages";
  if (!fs::exists(stages)) return std::nullopt;
  for (const auto& entry : fs::recursive_directory_iterator(stages)) {
    if (entry.path().filename() == name) return entry.path();
  }
  return std::nullopt;
}

// The first child of a process: the worker.
pid_t ChildOf(pid_t parent) {
  const std::string file =
      "/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) + "/children";
  std::istringstream text(base::ReadFile(file));
  pid_t child = 0;
  text >> child;
  return child;
}

// Starts the experiment and kills worker or orchestrator once `count` clips more were begun.
void KillAfter(const Place& place, const std::string& file, int count, bool worker) {
  const int before = Encoded(place);
  const auto run = place.Start({"run", file, "--workers", "1"}, "killed");
  const auto start = std::chrono::steady_clock::now();
  while (Encoded(place) < before + count) {
    ASSERT_LT(std::chrono::steady_clock::now() - start, std::chrono::minutes(2));
    usleep(5000);
  }
  usleep(30000);  // in the middle of the clip
  if (worker) {
    const pid_t child = ChildOf(run->pid());
    ASSERT_GT(child, 1);
    ::kill(child, SIGKILL);
  } else {
    run->Signal(SIGKILL);
  }
  place.Wait(*run, "killed");
}

void ExpectTheSameAfterKills(const std::string& projection, int cameras) {
  const Place calm, rough;
  const Result undisturbed =
      calm.Run({"run", calm.Write("x.toml", Experiment(calm, projection, cameras))});
  ASSERT_TRUE(undisturbed.Ok()) << undisturbed.err;
  const int whole = projection == "pca" ? 2 * kTrain : kTrain;
  EXPECT_EQ(Encoded(calm), whole);

  const std::string file = rough.Write("x.toml", Experiment(rough, projection, cameras));
  int kills = 0;
  for (const int count : {3, 1, 4}) {
    KillAfter(rough, file, count, /*worker=*/kills % 2 == 0);
    ++kills;
    const auto ledger = Find(rough, "features.safetensors.rows");
    if (projection == "random") {
      EXPECT_TRUE(ledger.has_value()) << "nothing was kept";
    }
  }
  const Result last = rough.Run({"run", file});
  ASSERT_TRUE(last.Ok()) << last.err;
  EXPECT_EQ(last.out, undisturbed.out);
  EXPECT_GE(Encoded(rough), whole);
  EXPECT_LE(Encoded(rough), whole + kills) << "a kill loses at most the clip in work";
  std::printf("%s, %d cameras: %d clips encoded for %d, %d kills\n",
              projection.c_str(),
              cameras,
              Encoded(rough),
              whole,
              kills);
  for (const char* name : {"features.safetensors", "targets.safetensors"}) {
    const auto a = Find(calm, name), b = Find(rough, name);
    ASSERT_TRUE(a && b) << name;
    EXPECT_EQ(base::ReadFile(*a), base::ReadFile(*b)) << name;
  }
  EXPECT_FALSE(Find(rough, "features.safetensors.rows")) << "removed at the finish";
  rough.ExpectHealthy();
}

TEST(PrecomputeTest, KillsLoseAtMostTheClipInWork) { ExpectTheSameAfterKills("random", 1); }
TEST(PrecomputeTest, AlsoWithTwoCameras) { ExpectTheSameAfterKills("random", 2); }
TEST(PrecomputeTest, AlsoInThePassThatFindsThePrincipalComponents) {
  ExpectTheSameAfterKills("pca", 1);
}

}  // namespace
}  // namespace cross4d::e2e
