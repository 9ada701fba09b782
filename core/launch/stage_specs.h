// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/grid/plan_graph.h"
#include "core/launch/plugin_files.h"
#include "core/protocol/stage_spec.h"
#include "core/results/result_store.h"
#include "core/store/store.h"

#include <map>
#include <string>
#include <vector>

namespace cross4d::launch {

/// Names of a plan's runs and stages for people: "dense seed 1", "synthetic4d shape-hog", "dense
/// seed 1 probe".
struct Labels {
  std::vector<std::string> runs;    ///< as PlanGraph::runs
  std::vector<std::string> stages;  ///< as PlanGraph::stages
};
Labels MakeLabels(const grid::PlanGraph& graph);

/// What `run` records about the plan before its first stage. Keep it, and the graph, until it is
/// recorded.
class PlanToRecord {
 public:
  PlanToRecord(const grid::PlanGraph& graph, const std::string& source, const std::string& tables);
  PlanToRecord(const PlanToRecord&) = delete;
  PlanToRecord& operator=(const PlanToRecord&) = delete;

  const results::PlanRecord& record() const { return plan_; }

 private:
  struct Texts {
    std::map<std::string, std::string> axes, options;
  };
  std::map<const grid::RunSetting*, Texts> texts_;  ///< seeds share theirs
  results::PlanRecord plan_;
};

/// What a data set's or teacher's fingerprint is recorded under: role, plugin, version, key
/// options.
std::string FingerprintKey(const grid::ResolvedPlugin& plugin);

/// The plugin with its options, build-id and SHA-256; for data sets and teachers the fingerprint
/// that `results` (may be null) has.
protocol::SpecPlugin FreezePlugin(const grid::ResolvedPlugin& resolved,
                                  FileHashes& hashes,
                                  results::ResultStore* results);

/// Turns a stage of the plan into what a worker gets: plugins frozen with build-id and SHA-256,
/// inputs as artifact folders, the fingerprint that an earlier stage recorded.
class SpecMaker {
 public:
  SpecMaker(const grid::PlanGraph& graph,
            const Labels& labels,
            const store::Store& store,
            results::ResultStore& results,
            std::string device);

  /// `attempt` is left for the claim to say, `threads` for the scheduler.
  protocol::StageSpec Make(int stage, const std::string& writer);
  std::vector<results::PluginRecord> Plugins(int stage);

 private:
  const grid::PlanGraph& graph_;
  const Labels& labels_;
  const store::Store& store_;
  results::ResultStore& results_;
  std::string device_;
  FileHashes hashes_;
};

/// What the stages that are to be executed need and what can be seen to be missing without reading
/// data: variables that are not set, locations where nothing exists. One sentence each, sorted.
std::vector<std::string> FindMissingInputs(const grid::PlanGraph& graph,
                                           const std::vector<int>& stages);

}  // namespace cross4d::launch
