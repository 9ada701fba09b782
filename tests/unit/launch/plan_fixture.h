// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/grid/plan_graph.h"
#include "core/launch/stage_specs.h"
#include "core/protocol/stage_spec.h"
#include "core/results/result_store.h"
#include "core/store/store.h"

#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "tests/support/temp_folder.h"

namespace cross4d::launch {

/// A small plan without experiment files: one shared `tokens` stage, and per seed a run of encoder,
/// embeddings and the evaluation `probe`.
class PlanFixture {
 public:
  explicit PlanFixture(int seeds, const std::string& build_id = "b1") {
    plugin_.role = "objective";
    plugin_.name = "scripted";
    plugin_.version = "1.0.0";
    plugin_.build_id = build_id;
    plugin_.file = (folder_ / "plugin.so").string();
    std::ofstream(plugin_.file) << "bytes of " << build_id;
    graph_.experiment = "fixture";
    graph_.stages.push_back({"00feed", protocol::kTokens, 0, Content(""), {}});
    auto setting = std::make_shared<grid::RunSetting>();
    setting->axes = {{"objective.plugin", "scripted"}};
    setting->parts = {std::make_shared<grid::OptionTexts>(
        grid::OptionTexts{{"objective.plugin", "scripted"}, {"pretrain.epochs", "3"}})};
    for (int seed = 0; seed < seeds; ++seed) AddRun(seed, setting);
  }

  /// What the encoder of this seed does (scripted_worker.cc).
  void Script(int seed, const std::string& script) {
    graph_.stages[Encoder(seed)].content = Content(script);
  }
  void SetBuildId(const std::string& build_id) { plugin_.build_id = build_id; }

  static int Encoder(int seed) { return 1 + 3 * seed; }
  static int Embeddings(int seed) { return 2 + 3 * seed; }
  static int Evaluation(int seed) { return 3 + 3 * seed; }
  const std::string& Key(int stage) const { return graph_.stages[stage].key; }

  const grid::PlanGraph& graph() const { return graph_; }
  std::vector<int> All() const {
    std::vector<int> all(graph_.runs.size());
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  std::filesystem::path Path(const std::string& name) const { return folder_ / name; }
  store::Store Store() const { return store::Store(folder_ / "store"); }
  results::ResultStore Open() const {
    return results::ResultStore::Open(folder_ / "results.db", results::OpenMode::kWrite);
  }
  /// Opens the database with the plan recorded.
  results::ResultStore OpenWithPlan() const {
    results::ResultStore results = Open();
    results.RecordPlan(PlanToRecord(graph_, "fixture.toml", "[]").record());
    return results;
  }

 private:
  void AddRun(int seed, const std::shared_ptr<const grid::RunSetting>& setting) {
    const std::string number = std::to_string(seed);
    const int first = static_cast<int>(graph_.stages.size());
    graph_.stages.push_back(
        {"ec" + number, protocol::kEncoder, seed, Content(""), {{protocol::kTokens, 0}}});
    graph_.stages.push_back({"eb" + number,
                             protocol::kEmbeddings,
                             0,
                             Content(""),
                             {{protocol::kEncoder, first}, {protocol::kTokens, 0}}});
    graph_.stages.push_back({"ea" + number,
                             protocol::kEvaluation,
                             seed,
                             Content(""),
                             {{protocol::kEmbeddings, first + 1}}});
    graph_.runs.push_back({"run" + number,
                           seed,
                           setting,
                           {{0, ""}, {first, ""}, {first + 1, ""}, {first + 2, "probe"}}});
  }

  std::shared_ptr<const grid::StageContent> Content(const std::string& script) {
    auto content = std::make_shared<grid::StageContent>();
    content->plugins["objective"] =
        std::make_shared<grid::ResolvedPlugin>(grid::ResolvedPlugin{&plugin_, {}});
    content->options["pretrain"] =
        std::make_shared<OptionValues>(OptionValues{{"script", OptionValue(script)}});
    return content;
  }

  test::TempFolder folder_;
  base::PluginDescription plugin_;
  grid::PlanGraph graph_;
};

}  // namespace cross4d::launch
