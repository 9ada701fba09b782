// SPDX-License-Identifier: Apache-2.0
// Every objective on clips that a CPU learns from in seconds: the loss falls, and a linear probe on
// frozen tokens is far above chance; every student will do; what cannot be used is said before
// anything runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kObjectivesExperiment = R"(
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

constexpr const char* kTrained =
    R"("dense", "global", "forecasting", "vicreg", "i-jepa", "mast-pre", "uni4d")";
constexpr std::size_t kTrainedCount = 7;

/// The experiment above with another student and one epoch of two steps.
std::string ShortExperiment(const std::string& student) {
  std::string text = kObjectivesExperiment;
  const std::size_t begin = text.find("[student]"), end = text.find("[objective]");
  text.replace(begin, end - begin, student);
  for (const auto& [from, to] : {std::pair("epochs = 8", "epochs = 1"),
                                 std::pair("epochs = 60", "epochs = 1"),
                                 std::pair("batch = 8", "batch = 24")}) {
    text.replace(text.find(from), std::string(from).size(), to);
  }
  return text;
}

std::map<std::string, double> ByObjective(const json& rows) {
  std::map<std::string, double> values;
  for (const json& row : rows) values[row.at("objective")] = row.at("value");
  return values;
}

/// A metric of every encoder after some epoch.
std::map<std::string, double> CurveAt(const Place& place, const std::string& name, int epoch) {
  return ByObjective(place.Sql(
      "SELECT p.name AS objective, m.value AS value FROM metrics AS m "
      "JOIN stages AS s ON s.id = m.stage AND s.kind = 'encoder' "
      "JOIN stage_plugins AS p ON p.stage = s.key AND p.role = 'objective' WHERE m.name = '" +
      name + "' AND m.step = " + std::to_string(epoch)));
}

std::map<std::string, double> ProbeAccuracies(const Place& place) {
  return ByObjective(
      place.Sql("SELECT o.value AS objective, m.value AS value FROM metric_final AS m "
                "JOIN run_option AS o ON o.run = m.run AND o.key = 'objective.plugin' "
                "WHERE m.evaluation = 'probe' AND m.name = 'accuracy'"));
}

TEST(ObjectivesTest, TheLossFallsAndTheProbeIsAboveChance) {
  const Place place;
  const std::string file = place.Write(
      "objectives.toml",
      std::string(kObjectivesExperiment) + "[grid]\n\"objective.plugin\" = [\"none\", " + kTrained +
          "]\n[[table]]\nname = \"objectives\"\nrows = \"objective.plugin\"\n"
          "values = [\"encoder.loss\", \"encoder.cosine\", \"encoder.feature_std\", "
          "\"encoder.effective_rank\", \"probe.accuracy\"]\n"
          "labels = { none = \"random\" }\n");
  const Result run = place.Run({"run", file});
  ASSERT_TRUE(run.Ok()) << run.err;
  EXPECT_LT(run.seconds, 120) << "the budget of all together";
  std::printf("%s", run.out.c_str());
  // From the second epoch on: in the first one uni4d's queue still holds noise, which is easy.
  const auto first = CurveAt(place, "loss", 2), last = CurveAt(place, "loss", 8);
  const auto spread = CurveAt(place, "feature_std", 8), rank = CurveAt(place, "effective_rank", 8);
  const auto cosine = CurveAt(place, "cosine", 8), accuracy = ProbeAccuracies(place);
  ASSERT_EQ(last.size(), kTrainedCount);
  ASSERT_EQ(accuracy.size(), kTrainedCount + 1);
  const double random = accuracy.at("none");
  for (const auto& [objective, loss] : last) {
    std::printf("%-12s loss %.4f -> %.4f, probe %.3f: %+.3f against random\n",
                objective.c_str(),
                first.at(objective),
                loss,
                accuracy.at(objective),
                accuracy.at(objective) - random);
    EXPECT_LT(loss, first.at(objective)) << objective;
    EXPECT_GT(spread.at(objective), 0.01) << objective << " collapsed";
    EXPECT_GT(rank.at(objective), 1) << objective << " collapsed";
    EXPECT_TRUE(cosine.contains(objective)) << objective;
    // 48 test clips of 4 actions: chance 0.25, three standard errors above it are 0.44.
    EXPECT_GT(accuracy.at(objective), 0.44) << objective;
  }
}

TEST(ObjectivesTest, EveryStudentWillDo) {
  const Place place;
  const std::string file = place.Write(
      "students.toml",
      ShortExperiment("[student]\nplugin = \"simple4d\"\n[student.simple4d]\ndim = 32\nffn = 64\n"
                      "[student.p4transformer]\ndim = 32\ndepth = 1\nheads = 2\ndim_head = 16\n"
                      "mlp = 64\nneighbours = 8\nspatial_stride = 16\n") +
          "[grid]\n\"student.plugin\" = [\"simple4d\", \"p4transformer\"]\n"
          "\"objective.plugin\" = [" +
          kTrained + "]\n");
  const Result run = place.Run({"run", file});
  EXPECT_TRUE(run.Ok()) << run.err;
  EXPECT_EQ(place.Sql("SELECT count(*) AS n FROM run_summary WHERE state = 'done'")[0].at("n"),
            2 * kTrainedCount);
}

TEST(ObjectivesTest, TheSegmentationFormTrainsOnWhatHidesNoTokens) {
  const Place place;
  const std::string file = place.Write(
      "points.toml",
      ShortExperiment("[student]\nplugin = \"p4transformer-seg\"\nwidth = 2\nheads = 2\n"
                      "dim_head = 16\nmlp = 64\nneighbours = 8\n"));
  const std::string with = "objective.plugin=";
  for (const char* name : {"dense", "global", "vicreg"}) {
    const Result run = place.Run({"run", file, "--set", with + name});
    EXPECT_TRUE(run.Ok()) << run.err;
  }
  for (const char* name : {"i-jepa", "mast-pre", "uni4d", "forecasting"}) {
    const Result plan = place.Run({"plan", file, "--set", with + name});
    EXPECT_EQ(plan.status.code, 2);
    EXPECT_THAT(plan.err, HasSubstr("requires `maskable`"));
    EXPECT_THAT(plan.err, HasSubstr("student p4transformer-seg"));
  }
}

TEST(ObjectivesTest, TheFiveRowsOfTable19) {
  const Place place;
  std::string text = ShortExperiment("[student]\nplugin = \"simple4d\"\ndim = 32\nffn = 64\n");
  text.replace(text.find("vicreg"), 6, "forecasting");
  const std::string file =
      place.Write("table19.toml",
                  text +
                      "[grid]\n\"objective.preset\" = [\"full\", \"consistency\", "
                      "\"direct\", \"field\", \"co-temporal\"]\n");
  const Result run = place.Run({"run", file});
  ASSERT_TRUE(run.Ok()) << run.err;
  const auto rows_with = [&](const std::string& metric) {
    std::string rows;
    for (const json& row :
         place.Sql("SELECT o.value AS preset FROM metric_final AS m JOIN run_option AS o "
                   "ON o.run = m.run AND o.key = 'objective.preset' WHERE m.name = '" +
                   metric + "' AND m.evaluation IS NULL ORDER BY preset")) {
      rows += row.at("preset").get<std::string>() + " ";
    }
    return rows;
  };
  EXPECT_EQ(rows_with("loss"), "co-temporal consistency direct field full ");
  EXPECT_EQ(rows_with("consistency"), "consistency full ");
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

TEST(ObjectivesTest, AnObjectiveOfTeacherFeaturesNeedsATeacher) {
  const Place place;
  std::string text = kObjectivesExperiment;
  const std::string teacher = "[teacher]\nplugin = \"shape-hog\"\n";
  text.erase(text.find(teacher), teacher.size());
  const std::string file = place.Write("x.toml", text);
  EXPECT_TRUE(place.Run({"plan", file}).Ok());
  for (const char* name : {"dense", "global", "forecasting"}) {
    const Result plan = place.Run({"plan", file, "--set", std::string("objective.plugin=") + name});
    EXPECT_EQ(plan.status.code, 2);
    EXPECT_THAT(plan.err, HasSubstr(std::string(name) + " learns from a teacher's features"));
  }
}

// What only plugin code knows is asked by `plan --deep`, and by `run` before its first stage.
class RefusedTogether : public testing::Test {
 protected:
  void ExpectRefused(const std::string& file,
                     const std::vector<std::string>& settings,
                     const std::string& reason) {
    for (std::vector<std::string> command : {std::vector<std::string>{"plan", "--deep"}, {"run"}}) {
      command.push_back(file);
      for (const std::string& setting : settings) {
        command.insert(command.end(), {"--set", setting});
      }
      const Result refused = place_.Run(command);
      EXPECT_EQ(refused.status.code, 2) << reason << "\n" << refused.out;
      EXPECT_THAT(refused.err, HasSubstr(reason));
    }
    EXPECT_TRUE(place_.FinishedSpools().empty());
  }

  Place place_;
};

TEST_F(RefusedTogether, TargetsAndClipsThatAreTooFew) {
  const std::string file = place_.Write("x.toml", kObjectivesExperiment);
  const std::string forecasting = "objective.plugin=forecasting";
  ExpectRefused(file,
                {forecasting, "targets.cameras=1"},
                "objective forecasting on student point4d, clips of 8 x 96, 1 camera › "
                "forecasting: consistency compares two cameras, and the targets have 1; set "
                "targets.cameras = 2, or consistency = false");
  ExpectRefused(file, {forecasting, "dataset.frames=4"}, "clips have 4 frames, and horizon = 4");
  ExpectRefused(place_.Write("y.toml", ShortExperiment("[student]\nplugin = \"simple4d\"\n")),
                {"student.time_rows=4"},
                "student simple4d, clips of 8 x 96 › ");
  EXPECT_TRUE(place_
                  .Run({"plan",
                        "--deep",
                        file,
                        "--set",
                        forecasting,
                        "--set",
                        "targets.cameras=1",
                        "--set",
                        "objective.preset=field"})
                  .Ok());
}

TEST_F(RefusedTogether, TokensThatAnObjectiveCannotUse) {
  const std::string file =
      place_.Write("x.toml", ShortExperiment("[student]\nplugin = \"awkward\"\n"));
  for (const char* name : {"i-jepa", "uni4d", "forecasting"}) {
    ExpectRefused(file,
                  {std::string("objective.plugin=") + name, "student.tokens=uneven"},
                  "do not lie frame after frame with the same number in each");
  }
  ExpectRefused(file,
                {"objective.plugin=uni4d", "student.tokens=single"},
                "a frame of 1 token has nothing to hide and predict");
  ExpectRefused(file,
                {"objective.plugin=vicreg", "student.tokens=coordinates"},
                "the student caches 'places'");
  const auto plan = [&](const std::string& objective, const std::string& tokens) {
    return place_.Run({"plan",
                       "--deep",
                       file,
                       "--set",
                       "objective.plugin=" + objective,
                       "--set",
                       "student.tokens=" + tokens});
  };
  EXPECT_TRUE(plan("i-jepa", "even").Ok());
  EXPECT_TRUE(plan("mast-pre", "uneven").Ok());  // hides wherever tokens lie
  EXPECT_TRUE(plan("dense", "uneven").Ok());
}

// A learning rate that training does not survive: where it ended is said, trying again ends there
// again, and a lower rate is another run.
TEST(ObjectivesTest, ATrainingThatBlowsUpIsNamedWithItsStep) {
  const Place place;
  const std::string file = place.Write("x.toml", kObjectivesExperiment);
  const auto train = [&](std::vector<std::string> more) {
    std::vector<std::string> command = {
        "run", file, "--set", "objective.plugin=mast-pre", "--set", "pretrain.epochs=2"};
    command.insert(command.end(), more.begin(), more.end());
    return place.Run(command);
  };
  const auto cause = [&] {
    return place.Sql("SELECT cause, attempts FROM run_summary WHERE state = 'failed'")[0];
  };
  EXPECT_EQ(train({"--set", "pretrain.lr=10"}).status.code, 1);
  const json first = cause();
  EXPECT_THAT(first.at("cause"), testing::ContainsRegex("is (NaN|infinite) at step [0-9]+ of 12"));
  EXPECT_THAT(first.at("cause"), HasSubstr("no checkpoint was written yet; a lower pretrain.lr"));
  EXPECT_EQ(train({"--set", "pretrain.lr=10", "--redo", "failed"}).status.code, 1);
  EXPECT_EQ(cause().at("cause"), first.at("cause"));
  EXPECT_EQ(cause().at("attempts"), 2);
  const Result lower = train({});
  EXPECT_TRUE(lower.Ok()) << lower.err;
  place.ExpectHealthy();
}

}  // namespace
}  // namespace cross4d::e2e
