// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/grid/grid_text.h"

namespace cross4d::grid {
namespace {

// Axes whose every value gives another encoder.
const std::vector<std::string> kAxes = {
    "student.dim", "pretrain.epochs", "dataset.clips", "targets.dim", "teacher.bins", "student.k"};

struct RandomGrid {
  std::vector<std::pair<std::string, std::vector<int>>> axes;
  std::vector<int> seeds;

  std::string Text() const {
    std::string text =
        "seeds = " + List(seeds) + "\n" + kBase + "[student.p4d]\nheads = 1\n[grid]\n";
    for (const auto& [name, values] : axes) text += "\"" + name + "\" = " + List(values) + "\n";
    return text;
  }
  std::size_t Size() const {
    std::size_t size = seeds.size();
    for (const auto& [name, values] : axes) size *= values.size();
    return size;
  }
  static std::string List(const std::vector<int>& values) {
    std::string text = "[";
    for (const int v : values) text += std::to_string(v) + ", ";
    return text + "]";
  }
};

std::vector<int> Distinct(int least, int most) {
  const auto size = *rc::gen::inRange<std::size_t>(1, 4);
  return *rc::gen::unique<std::vector<int>>(size, rc::gen::inRange(least, most));
}

RandomGrid ArbitraryGrid() {
  RandomGrid grid;
  grid.seeds = Distinct(0, 50);
  std::vector<std::string> names = *rc::gen::unique<std::vector<std::string>>(
      *rc::gen::inRange<std::size_t>(1, 5), rc::gen::elementOf(kAxes));
  for (const std::string& name : names) grid.axes.emplace_back(name, Distinct(2, 40));
  return grid;
}

RC_GTEST_PROP(GridProperties, SizeIsTheProductOfTheAxes, ()) {
  const RandomGrid grid = ArbitraryGrid();
  const PlanGraph graph = ExpandText(grid.Text());
  RC_ASSERT(graph.runs.size() == grid.Size());
  const std::vector<std::string> keys = RunKeys(graph);
  RC_ASSERT(std::set<std::string>(keys.begin(), keys.end()).size() == keys.size());
}

RC_GTEST_PROP(GridProperties, ExcludesTakeTheirShare, ()) {
  const RandomGrid grid = ArbitraryGrid();
  const auto& [name, values] = grid.axes.front();
  const auto hit = *rc::gen::inRange<std::size_t>(0, values.size());
  const PlanGraph graph = ExpandText(grid.Text() + "[[grid.exclude]]\n\"" + name +
                                     "\" = " + std::to_string(values[hit]) + "\n");
  RC_ASSERT(graph.runs.size() == grid.Size() / values.size() * (values.size() - 1));
  for (const PlannedRun& run : graph.runs) {
    RC_ASSERT(*run.Find(name) != std::to_string(values[hit]));
  }
}

RC_GTEST_PROP(GridProperties, TheLastAxisVariesFastestAndSeedsInnermost, ()) {
  const RandomGrid grid = ArbitraryGrid();
  const PlanGraph graph = ExpandText(grid.Text());
  std::size_t at = 0;
  std::vector<std::size_t> index(grid.axes.size(), 0);
  while (at < graph.runs.size()) {
    for (const int seed : grid.seeds) {
      const PlannedRun& run = graph.runs[at++];
      RC_ASSERT(run.seed == seed);
      for (std::size_t a = 0; a < grid.axes.size(); ++a) {
        RC_ASSERT(run.axes()[a].first == grid.axes[a].first);
        RC_ASSERT(run.axes()[a].second == std::to_string(grid.axes[a].second[index[a]]));
      }
    }
    for (std::size_t a = grid.axes.size(); a-- > 0;) {
      if (++index[a] < grid.axes[a].second.size()) break;
      index[a] = 0;
    }
  }
}

RC_GTEST_PROP(GridProperties, AxisOrderChangesTheOrderOnly, ()) {
  RandomGrid grid = ArbitraryGrid();
  std::vector<std::string> before = RunKeys(ExpandText(grid.Text()));
  std::reverse(grid.axes.begin(), grid.axes.end());
  std::vector<std::string> after = RunKeys(ExpandText(grid.Text()));
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  RC_ASSERT(before == after);
}

RC_GTEST_PROP(GridProperties, CommentsAndSpacesDoNotMatter, ()) {
  const RandomGrid grid = ArbitraryGrid();
  std::string noisy;
  for (const char c : grid.Text()) {
    if (c == '\n' && *rc::gen::arbitrary<bool>()) noisy += "  # a comment";
    noisy += c;
    if (c == '\n' && *rc::gen::arbitrary<bool>()) noisy += "\n  ";
  }
  RC_ASSERT(RunKeys(ExpandText(noisy)) == RunKeys(ExpandText(grid.Text())));
}

RC_GTEST_PROP(GridProperties, SetGivesTheRunThatTheGridHas, ()) {
  const RandomGrid grid = ArbitraryGrid();
  const auto& [name, values] = grid.axes.back();
  const std::string value = std::to_string(*rc::gen::elementOf(values));
  std::vector<std::string> wanted;
  for (const PlannedRun& run : ExpandText(grid.Text()).runs) {
    if (*run.Find(name) == value) wanted.push_back(run.key);
  }
  RC_ASSERT(RunKeys(ExpandText(grid.Text(), {name + "=" + value})) == wanted);
}

struct Change {
  const char* set;
  bool tokens, features, targets, encoder, embeddings, evaluation;  // whose keys change
};

TEST(KeyChanges, EachOptionMovesExactlyWhatDependsOnIt) {
  const std::string text = std::string(kBase) + "[dataset.toy-depth]\nroot = \"/data\"\n";
  const std::vector<std::string> kinds = {
      "tokens", "features", "targets", "encoder", "embeddings", "evaluation"};
  const Change changes[] = {
      {"dataset.frames=4", true, true, true, true, true, true},
      {"student.k=8", true, false, true, true, true, true},
      {"student.dim=64", false, false, false, true, true, true},
      {"student.widths=[64]", false, false, false, true, true, true},
      {"teacher.bins=9", false, true, true, true, true, true},
      {"teacher.dtype=bf16", false, true, true, true, true, true},
      {"teacher.weights=/elsewhere", false, false, false, false, false, false},
      {"targets.dim=64", false, true, true, true, true, true},
      {"targets.granularity=point", false, false, true, true, true, true},
      {"objective.temperature=2", false, false, false, true, true, true},
      {"pretrain.lr=0.5", false, false, false, true, true, true},
      {"pretrain.lr=0.001", false, false, false, false, false, false},
      {"evaluate.probe.lr=0.5", false, false, false, false, false, true},
      {"evaluate.probe.chunk=1", false, false, false, false, false, false},
      {"seeds=[9]", false, false, false, true, true, true},
  };
  const PlanGraph before = ExpandText(text);
  for (const Change& change : changes) {
    const PlanGraph after = ExpandText(text, {change.set});
    const bool moved[] = {change.tokens,
                          change.features,
                          change.targets,
                          change.encoder,
                          change.embeddings,
                          change.evaluation};
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      EXPECT_EQ(StageKeys(before, kinds[i]) != StageKeys(after, kinds[i]), moved[i])
          << change.set << " and " << kinds[i];
    }
  }
}

TEST(KeyChanges, RuntimeAndLocationOfADataSetAreNotInAnyKey) {
  const std::string text = std::string(kBase) + "[dataset.toy-depth]\nroot = \"/data\"\n";
  const std::vector<std::string> set = {"dataset.plugin=toy-depth"};
  std::vector<std::string> other = set;
  other.push_back("dataset.toy-depth.root=/elsewhere");
  other.push_back("dataset.prefetch=7");
  EXPECT_EQ(RunKeys(ExpandText(text, set)), RunKeys(ExpandText(text, other)));
}

TEST(KeyChanges, OrderOfTablesAndKeysDoesNotMatter) {
  const PlanGraph a = ExpandText(std::string(kBase) + "[pretrain]\nepochs = 3\nlr = 0.1\n");
  const PlanGraph b = ExpandText(R"(name = "toy"
[pretrain]
lr = 1e-1
epochs = 0x3
[objective]
plugin = "dense"
[[evaluate]]
protocol = "linear-probe"
name = "probe"
[student]
plugin = "p4d"
[teacher]
plugin = "hog"
[dataset]
plugin = "synth"
)");
  EXPECT_EQ(RunKeys(a), RunKeys(b));
  EXPECT_EQ(StageKeys(a, "evaluation"), StageKeys(b, "evaluation"));
}

}  // namespace
}  // namespace cross4d::grid
