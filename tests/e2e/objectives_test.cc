// SPDX-License-Identifier: Apache-2.0
// Every objective that needs training, on clips that a CPU learns from in seconds: the loss falls,
// and a linear probe on frozen tokens is far above chance.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kExperiment = R"(
name = "objectives"
[dataset]
plugin = "synthetic4d"
subjects = 12
actions = 4
repetitions = 2
points = 96
yaw = 45
surface_points = 800
[teacher]
plugin = "shape-hog"
[targets]
image_size = 32
cameras = 2
dim = 16
[student]
plugin = "point4d"
preset = "quickstart"
centroids = [32, 16]
[objective]
plugin = "vicreg"
[objective.uni4d]
queue = 40  # fewer than the 48 training clips: no clip is its own negative
[pretrain]
epochs = 8
batch = 8
lr = 2e-3
variance_weight = 0
[[evaluate]]
name = "probe"
protocol = "linear-probe"
epochs = 60
standardize = true
)";

std::map<std::string, double> ByObjective(const json& rows) {
  std::map<std::string, double> values;
  for (const json& row : rows) values[row.at("objective")] = row.at("value");
  return values;
}

/// A metric of every encoder after some epoch.
std::map<std::string, double> Curve(const Place& place, const std::string& name, int epoch) {
  return ByObjective(place.Sql(
      "SELECT p.name AS objective, m.value AS value FROM metrics AS m "
      "JOIN stages AS s ON s.id = m.stage AND s.kind = 'encoder' "
      "JOIN stage_plugins AS p ON p.stage = s.key AND p.role = 'objective' WHERE m.name = '" +
      name + "' AND m.step = " + std::to_string(epoch)));
}

TEST(ObjectivesTest, TheLossFallsAndTheProbeIsAboveChance) {
  const Place place;
  const std::string names = R"("vicreg", "i-jepa", "mast-pre", "uni4d", "forecasting")";
  const std::string file =
      place.Write("objectives.toml",
                  std::string(kExperiment) + "[grid]\n\"objective.plugin\" = [" + names +
                      "]\n[[table]]\nname = \"objectives\"\nrows = \"objective.plugin\"\n"
                      "values = [\"probe.accuracy\"]\n");
  const Result run = place.Run({"run", file});
  ASSERT_TRUE(run.Ok()) << run.err;
  EXPECT_LT(run.seconds, 120) << "the budget of all five together";
  // From the second epoch on: in the first one uni4d's queue still holds noise, which is easy.
  const auto first = Curve(place, "loss", 2), last = Curve(place, "loss", 8);
  const auto cosine = Curve(place, "cosine", 8), spread = Curve(place, "feature_std", 8);
  const auto rank = Curve(place, "effective_rank", 8);
  const auto accuracy = ByObjective(
      place.Sql("SELECT p.name AS objective, f.value AS value FROM metric_final AS f "
                "JOIN run_stages AS a ON a.stage = (SELECT id FROM stages WHERE key = f.stage) "
                "JOIN run_stages AS b ON b.run = a.run JOIN stages AS s ON s.id = b.stage "
                "JOIN stage_plugins AS p ON p.stage = s.key AND p.role = 'objective' "
                "WHERE s.kind = 'encoder' AND f.name = 'accuracy'"));
  ASSERT_EQ(last.size(), 5U);
  ASSERT_EQ(accuracy.size(), 5U);
  for (const auto& [objective, loss] : last) {
    std::printf("%-12s loss %.4f -> %.4f, cosine %.3f, std %.3f, rank %.1f, probe %.3f\n",
                objective.c_str(),
                first.at(objective),
                loss,
                cosine.at(objective),
                spread.at(objective),
                rank.at(objective),
                accuracy.at(objective));
    EXPECT_LT(loss, first.at(objective)) << objective;
    EXPECT_GT(spread.at(objective), 0.01) << objective << " collapsed";
    EXPECT_GT(rank.at(objective), 1) << objective << " collapsed";
    // 48 test clips of 4 actions: chance 0.25, three standard errors above it are 0.44.
    EXPECT_GT(accuracy.at(objective), 0.44) << objective;
  }
}

// What does not fit is said when it is planned, not when it runs.
TEST(ObjectivesTest, AStudentWithoutTheTwoHalvesIsRefusedByThePlan) {
  const Place place;
  for (const char* name : {"i-jepa", "mast-pre", "uni4d", "forecasting"}) {
    const Result plan = place.Run({"plan",
                                   place.Write("x.toml", NoopExperiment("noop", 1, 1)),
                                   "--set",
                                   std::string("objective.plugin=") + name});
    EXPECT_EQ(plan.status.code, 2);
    EXPECT_THAT(plan.err,
                HasSubstr("objective " + std::string(name) +
                          " requires `maskable`, which is provided by none of"));
    EXPECT_THAT(plan.err, HasSubstr("student noop"));
  }
}

TEST(ObjectivesTest, OneCameraIsTooFewForConsistency) {
  const Place place;
  const Result run = place.Run({"run",
                                place.Write("objectives.toml", kExperiment),
                                "--set",
                                "objective.plugin=forecasting",
                                "--set",
                                "targets.cameras=1"});
  EXPECT_EQ(run.status.code, 1);
  EXPECT_THAT(run.err, HasSubstr("set targets.cameras = 2, or consistency = false"));
}

}  // namespace
}  // namespace cross4d::e2e
