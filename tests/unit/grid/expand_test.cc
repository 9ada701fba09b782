// SPDX-License-Identifier: Apache-2.0
#include "core/grid/expand.h"

#include "core/config/load.h"
#include "core/protocol/stage_spec.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <set>
#include <string>

#include "tests/unit/config/toy_catalog.h"
#include "tests/unit/grid/grid_text.h"

namespace cross4d::grid {
namespace {

std::string Base() { return kBase; }

TEST(Expand, ADenseRunHasEveryKindOfStage) {
  const PlanGraph graph = ExpandText(Base());
  ASSERT_EQ(graph.runs.size(), 1u);
  std::vector<std::string> kinds;
  for (const RunStage& s : graph.runs[0].stages) {
    kinds.push_back(graph.stages[static_cast<std::size_t>(s.stage)].kind);
  }
  EXPECT_EQ(kinds,
            (std::vector<std::string>{
                "tokens", "features", "targets", "encoder", "embeddings", "evaluation"}));
  EXPECT_EQ(graph.runs[0].stages.back().evaluation, "probe");
  EXPECT_EQ(graph.runs[0].stages.front().evaluation, "");
}

TEST(Expand, InputsComeBeforeTheirUsers) {
  const PlanGraph graph = ExpandText(Base() + R"(
[grid]
"objective.plugin" = ["none", "global", "dense", "masked"]
"dataset.seed" = [1, 0]
)");
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    for (const auto& [kind, input] : graph.stages[i].inputs) {
      ASSERT_LT(static_cast<std::size_t>(input), i);
      EXPECT_EQ(graph.stages[static_cast<std::size_t>(input)].kind, kind);
    }
  }
}

TEST(Expand, UntrainedRunsNeedNoTeacherAndIgnoreTheSchedule) {
  const PlanGraph graph = ExpandText(Base() + R"(
[grid]
"objective.plugin" = ["none", "dense"]
"pretrain.epochs" = [10, 20]
)");
  // Both untrained combinations are one run.
  EXPECT_EQ(graph.runs.size(), 3u);
  EXPECT_EQ(graph.block_counts.at(""), 4);
  EXPECT_EQ(StageKeys(graph, protocol::kEncoder).size(), 3u);
  EXPECT_EQ(StageKeys(graph, protocol::kTargets).size(), 1u);
  EXPECT_EQ(*graph.runs[0].Find("pretrain.epochs"), "10");
}

TEST(Expand, AnObjectiveWithoutTargetsKeepsTheSchedule) {
  const PlanGraph graph = ExpandText(Base() + R"(
[grid]
"objective.plugin" = ["masked"]
"pretrain.epochs" = [10, 20]
)");
  EXPECT_EQ(graph.runs.size(), 2u);
  EXPECT_TRUE(StageKeys(graph, protocol::kFeatures).empty());
}

TEST(Expand, TwoLocationsUnderOneKeyAreRefused) {
  const std::string two = Base() + "[grid]\n\"teacher.weights\" = [\"/small\", \"/large\"]\n";
  try {
    ExpandText(two);
    FAIL() << "one stage would stand for both";
  } catch (const std::runtime_error& e) {
    const std::string text = e.what();
    EXPECT_NE(text.find("/small"), std::string::npos) << text;
    EXPECT_NE(text.find("/large"), std::string::npos) << text;
  }
  const PlanGraph told_apart = ExpandText(Base() + R"(
[[grid.zip]]
"teacher.weights" = ["/small", "/large"]
"teacher.bins" = [8, 16]
)");
  EXPECT_EQ(told_apart.runs.size(), 2u);
}

TEST(Expand, SeedsShareWhatDoesNotDependOnThem) {
  const PlanGraph graph = ExpandText("seeds = [0, 1, 2]\n" + Base());
  EXPECT_EQ(graph.runs.size(), 3u);
  EXPECT_EQ(StageKeys(graph, protocol::kTokens).size(), 1u);
  EXPECT_EQ(StageKeys(graph, protocol::kTargets).size(), 1u);
  EXPECT_EQ(StageKeys(graph, protocol::kEncoder).size(), 3u);
  EXPECT_EQ(StageKeys(graph, protocol::kEvaluation).size(), 3u);
}

TEST(Expand, ProbesShareTheEmbeddings) {
  const PlanGraph graph = ExpandText(Base() + R"(
[[evaluate]]
name = "probe-z"
protocol = "linear-probe"
standardize = true
)");
  EXPECT_EQ(StageKeys(graph, protocol::kEmbeddings).size(), 1u);
  EXPECT_EQ(StageKeys(graph, protocol::kEvaluation).size(), 2u);
}

TEST(Expand, AddingAnEvaluationKeepsTheRunsKeySweepingOneSplitsIt) {
  const PlanGraph one = ExpandText(Base());
  const PlanGraph two = ExpandText(Base() + R"(
[[evaluate]]
name = "probe-z"
protocol = "linear-probe"
)");
  EXPECT_EQ(RunKeys(one), RunKeys(two));
  const PlanGraph swept = ExpandText(Base() + "[grid]\n\"evaluate.probe.lr\" = [0.1, 0.01]\n");
  EXPECT_EQ(swept.runs.size(), 2u);
  EXPECT_EQ(StageKeys(swept, protocol::kEncoder).size(), 1u);
}

TEST(Expand, EfficiencyReadsTheEncoderItself) {
  const PlanGraph graph = ExpandText(Base() + R"(
[[evaluate]]
name = "cost"
protocol = "efficiency"
)");
  const StageNode& cost =
      graph.stages.at(static_cast<std::size_t>(graph.runs[0].stages.back().stage));
  ASSERT_EQ(cost.inputs.size(), 2u);
  EXPECT_STREQ(cost.inputs[0].first, protocol::kEncoder);
  EXPECT_STREQ(cost.inputs[1].first, protocol::kTokens);
  EXPECT_TRUE(cost.plugins().contains("student"));
  EXPECT_EQ(StageKeys(graph, protocol::kEmbeddings).size(), 1u);  // of the probe
}

TEST(Expand, TransferUsesTokensOfTheOtherDataSet) {
  const PlanGraph graph = ExpandText(Base() + R"(
[dataset.toy-depth]
root = "/data/toy"
[[evaluate]]
name = "transfer"
protocol = "linear-probe"
[evaluate.dataset]
plugin = "toy-depth"
frames = 16
)");
  EXPECT_EQ(StageKeys(graph, protocol::kTokens).size(), 2u);
  EXPECT_EQ(StageKeys(graph, protocol::kEmbeddings).size(), 2u);
  EXPECT_EQ(*graph.runs[0].Find("evaluate.transfer.dataset.plugin"), "toy-depth");
  EXPECT_EQ(*graph.runs[0].Find("evaluate.transfer.dataset.root"), "/data/toy");
  EXPECT_EQ(*graph.runs[0].Find("dataset.plugin"), "synth");
}

TEST(Expand, TransferWithoutAPluginFollowsTheRunsDataSet) {
  const PlanGraph graph = ExpandText(Base() + R"(
[[evaluate]]
name = "fresh"
protocol = "linear-probe"
dataset = { seed = 7 }
[grid]
"dataset.clips" = [10, 20]
)");
  ASSERT_EQ(graph.runs.size(), 2u);
  EXPECT_EQ(*graph.runs[1].Find("evaluate.fresh.dataset.clips"), "20");
  EXPECT_EQ(*graph.runs[1].Find("evaluate.fresh.dataset.seed"), "7");
  EXPECT_EQ(StageKeys(graph, protocol::kTokens).size(), 4u);
}

TEST(Expand, TokensDependOnTheTokenizerOnly) {
  const PlanGraph graph = ExpandText(Base() + R"(
[grid]
"student.dim" = [64, 128]
"student.k" = [16, 32]
)");
  EXPECT_EQ(StageKeys(graph, protocol::kTokens).size(), 2u);
  EXPECT_EQ(StageKeys(graph, protocol::kFeatures).size(), 1u);
  EXPECT_EQ(StageKeys(graph, protocol::kTargets).size(), 2u);
  EXPECT_EQ(StageKeys(graph, protocol::kEncoder).size(), 4u);
}

TEST(Expand, GranularityIsNoMatterOfTheFeatures) {
  const PlanGraph graph =
      ExpandText(Base() + "[grid]\n\"targets.granularity\" = [\"token\", \"point\"]\n");
  EXPECT_EQ(StageKeys(graph, protocol::kFeatures).size(), 1u);
  EXPECT_EQ(StageKeys(graph, protocol::kTargets).size(), 2u);
}

TEST(Expand, PresetsEnterTheKeyByTheirValues) {
  const auto key = [](const std::string& student) {
    return RunKeys(ExpandText(Base(), {student}));
  };
  const PlanGraph by_preset = ExpandText(Base(), {"student.preset=A"});
  const PlanGraph by_value = ExpandText(Base(), {"student.centroids=256"});
  EXPECT_EQ(RunKeys(by_preset), RunKeys(by_value));
  EXPECT_EQ(*by_preset.runs[0].Find("student.preset"), "A");
  EXPECT_NE(key("student.preset=A"), key("student.preset=C"));
}

TEST(Expand, RelativeLocationsStartAtTheirFile) {
  const std::string base = Base();
  const PlanGraph graph = ExpandText(base + "[teacher.hog]\nweights = \"w/../dino\"\n");
  const std::string weights = *graph.runs[0].Find("teacher.weights");
  EXPECT_TRUE(weights.starts_with("/") && weights.ends_with("/dino")) << weights;
  EXPECT_EQ(weights.find(".."), std::string::npos);
}

TEST(Expand, UnsetVariablesAreKeptForTheStagesThatUseThem) {
  const PlanGraph graph =
      ExpandText(Base() + "[teacher.hog]\nweights = \"${CROSS4D_NO_SUCH_VARIABLE}/x\"\n");
  std::set<std::string> kinds;
  for (const StageNode& stage : graph.stages) {
    if (!UnsetVariables(stage).empty()) {
      kinds.insert(stage.kind);
      EXPECT_EQ(UnsetVariables(stage)[0], "CROSS4D_NO_SUCH_VARIABLE");
    }
  }
  EXPECT_EQ(kinds, (std::set<std::string>{"features"}));
}

TEST(Expand, OptionsListEverythingOnce) {
  const PlanGraph graph = ExpandText("seeds = [4]\n" + Base());
  const auto options = graph.runs[0].Options(graph.experiment);
  EXPECT_EQ(options.at("dataset.plugin"), "synth");
  EXPECT_EQ(options.at("targets.dim"), "384");
  EXPECT_EQ(options.at("student.scale"), "1.0");
  EXPECT_EQ(options.at("evaluate.probe.protocol"), "linear-probe");
  EXPECT_EQ(options.at("evaluate.probe.standardize"), "false");
  EXPECT_EQ(options.at("seed"), "4");
  EXPECT_EQ(options.at("experiment"), "toy");
}

// Keys name artifacts that may have cost days: they must not change by accident. If this fails
// because a stage's version was bumped, or the canonical text was changed on purpose, put the new
// keys here.
TEST(Expand, GoldenKeys) {
  const PlanGraph graph = ExpandText("seeds = [1]\n" + Base());
  std::string text;
  for (const StageNode& stage : graph.stages) {
    text += stage.kind + "/" + std::to_string(protocol::StageVersion(stage.kind)) + " " +
            stage.key + "\n";
  }
  text += "run " + graph.runs[0].key + "\n";
  EXPECT_EQ(text,
            "tokens/1 8fa56172c54f5f58174666e8aa795b5b\n"
            "features/1 918ffa286bd25f368bbc575226d354bd\n"
            "targets/2 68e5172ad0197a33ec59117f0993ba37\n"
            "encoder/1 ddfd3e9781ed0959dd948dfd7a57bb7c\n"
            "embeddings/1 8c0c668f3211ef108d9a99a190a3f4f3\n"
            "evaluation/1 8d1be6e0ced296185673a7c89b89e27a\n"
            "run f59ff7cdd536cb94531d36bfad5ca157\n");
}

// Loads and expands, and prints CPU time: the machine may be busy with other tests.
PlanGraph Timed(const std::string& name, const std::string& text) {
  const std::string file = testing::TempDir() + name + ".toml";
  std::ofstream(file) << text;
  config::LoadRequest request;
  request.file = file;
  base::Diagnostics diagnostics;
  const std::clock_t start = std::clock();
  const auto experiment = config::Load(request, config::ToyCatalog(), diagnostics);
  const std::clock_t loaded = std::clock();
  PlanGraph graph = Expand(*experiment, diagnostics);
  const std::clock_t expanded = std::clock();
  std::remove(file.c_str());
  const auto ms = [](std::clock_t d) { return 1e3 * static_cast<double>(d) / CLOCKS_PER_SEC; };
  std::printf("%s: CPU time: load %.1f ms, expand %.1f ms: %zu runs, %zu stages\n",
              name.c_str(),
              ms(loaded - start),
              ms(expanded - loaded),
              graph.runs.size(),
              graph.stages.size());
  EXPECT_FALSE(diagnostics.HasErrors()) << diagnostics.Render();
  // Far above what it takes: catches a return to maps per run, also under a sanitizer.
  EXPECT_LT(ms(expanded - start), 10'000);
  return graph;
}

const char* const kTen = " = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n";

TEST(Expand, TenThousandRunsWithEighteenProbes) {
  std::string text = "seeds = [";
  for (int seed = 0; seed < 100; ++seed) text += std::to_string(seed) + ", ";
  text += "]\n" + Base();
  for (int i = 0; i < 17; ++i) {
    text += "[[evaluate]]\nname = \"probe" + std::to_string(i) +
            "\"\nprotocol = \"linear-probe\"\nepochs = " + std::to_string(i + 1) + "\n";
  }
  text += std::string("[grid]\n\"student.scale\"") + kTen + "\"pretrain.epochs\"" + kTen;
  const PlanGraph graph = Timed("18 probes, 100 seeds", text);
  EXPECT_EQ(graph.runs.size(), 10'000u);
  EXPECT_EQ(StageKeys(graph, protocol::kEvaluation).size(), 180'000u);
}

TEST(Expand, TenThousandSettingsOfOnePlugin) {
  const PlanGraph graph =
      Timed("10,000 settings of the student",
            Base() + "[student.p4d]\nheads = 1\n[grid]\n\"student.scale\"" + kTen +
                "\"student.dim\"" + kTen + "\"student.k\"" + kTen + "\"student.centroids\"" + kTen);
  EXPECT_EQ(graph.runs.size(), 10'000u);
  EXPECT_EQ(StageKeys(graph, protocol::kTokens).size(), 100u);
}

}  // namespace
}  // namespace cross4d::grid
