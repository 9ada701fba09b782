// SPDX-License-Identifier: Apache-2.0
#include "core/launch/stage_specs.h"

#include "core/base/option_json.h"
#include "core/protocol/core_options.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

namespace cross4d::launch {
namespace {

std::string RunLabel(const grid::PlanGraph& graph, const grid::PlannedRun& run) {
  std::string label = run.block();
  for (const auto& [key, value] : run.axes()) label += (label.empty() ? "" : " ") + value;
  if (label.empty()) label = graph.experiment;
  return fmt::format("{} seed {}", label, run.seed);
}

void CollectNames(const grid::PlanGraph& graph,
                  int index,
                  std::map<std::string, std::string>& names) {
  const grid::StageNode& stage = graph.stages[index];
  for (const auto& [role, plugin] : stage.plugins()) names.emplace(role, plugin->plugin->name);
  for (const auto& [kind, input] : stage.inputs) CollectNames(graph, input, names);
}

// A stage that several runs share is named by the plugins that it and its inputs have.
std::string SharedLabel(const grid::PlanGraph& graph, int index) {
  std::map<std::string, std::string> names;
  CollectNames(graph, index, names);
  std::string label;
  for (const char* role : {"dataset", "teacher", "student"}) {
    const auto found = names.find(role);
    if (found != names.end()) label += (label.empty() ? "" : " ") + found->second;
  }
  return label.empty() ? graph.stages[index].key.substr(0, 8) : label;
}

void FindMissing(const std::string& role,
                 const grid::ResolvedPlugin& resolved,
                 std::set<std::string>& problems) {
  const auto pack = resolved.options.find(protocol::PackOption().name);
  const bool packed = role == "dataset" && pack != resolved.options.end() &&
                      pack->second != protocol::PackOption().default_value;
  for (const OptionSpec& spec : resolved.plugin->options.options) {
    if (spec.role != OptionRole::kLocation || spec.type != OptionType::kString) continue;
    if (packed && spec.name != pack->first) continue;  // the pack stands in for the folder
    const auto value = resolved.options.find(spec.name);
    if (value == resolved.options.end()) continue;
    const std::string& path = std::get<std::string>(value->second);
    std::error_code error;
    const bool unset = path.find("${") != std::string::npos;  // has a message of its own
    if (path.empty() || unset || std::filesystem::exists(path, error)) continue;
    problems.insert(fmt::format(
        "{}.{} of {}: '{}': no such file or folder", role, spec.name, resolved.plugin->name, path));
  }
}

}  // namespace

Labels MakeLabels(const grid::PlanGraph& graph) {
  Labels labels;
  std::vector<int> users(graph.stages.size(), 0);
  labels.runs.reserve(graph.runs.size());
  labels.stages.resize(graph.stages.size());
  for (const grid::PlannedRun& run : graph.runs) {
    labels.runs.push_back(RunLabel(graph, run));
    for (const grid::RunStage& stage : run.stages) {
      const std::string label = labels.runs.back();
      ++users[stage.stage];
      labels.stages[stage.stage] =
          stage.evaluation.empty() ? label : label + " " + stage.evaluation;
    }
  }
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    const bool seeded = graph.stages[i].kind == protocol::kEncoder ||
                        graph.stages[i].kind == protocol::kEmbeddings ||
                        graph.stages[i].kind == protocol::kEvaluation;
    if (!seeded || users[i] == 0) labels.stages[i] = SharedLabel(graph, static_cast<int>(i));
  }
  return labels;
}

PlanToRecord::PlanToRecord(const grid::PlanGraph& graph,
                           const std::string& source,
                           const std::string& tables) {
  const Labels labels = MakeLabels(graph);
  plan_.experiment = graph.experiment;
  plan_.source = source;
  plan_.tables = tables;
  plan_.stages.reserve(graph.stages.size());
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    plan_.stages.push_back({graph.stages[i].key, graph.stages[i].kind, labels.stages[i]});
  }
  plan_.runs.reserve(graph.runs.size());
  for (const grid::PlannedRun& run : graph.runs) {
    const auto [texts, added] = texts_.try_emplace(run.setting.get());
    if (added) {
      texts->second.axes.insert(run.axes().begin(), run.axes().end());
      for (const auto& part : run.setting->parts) {
        texts->second.options.insert(part->begin(), part->end());
      }
    }
    results::RunRecord record{
        run.key, run.block(), run.seed, &texts->second.axes, &texts->second.options, {}};
    for (const grid::RunStage& stage : run.stages) {
      record.stages.push_back({stage.stage, stage.evaluation});
    }
    plan_.runs.push_back(std::move(record));
  }
}

std::string FingerprintKey(const grid::ResolvedPlugin& plugin) {
  const std::string role = plugin.plugin->role == "dataset" ? "" : plugin.plugin->role + " ";
  return fmt::format("{}{}@{} {}",
                     role,
                     plugin.plugin->name,
                     plugin.plugin->version,
                     base::CanonicalKeyText(plugin.plugin->options, plugin.options));
}

SpecMaker::SpecMaker(const grid::PlanGraph& graph,
                     const Labels& labels,
                     const store::Store& store,
                     results::ResultStore& results,
                     std::string device)
    : graph_(graph),
      labels_(labels),
      store_(store),
      results_(results),
      device_(std::move(device)) {}

protocol::SpecPlugin FreezePlugin(const grid::ResolvedPlugin& resolved,
                                  FileHashes& hashes,
                                  results::ResultStore* results) {
  const base::PluginDescription& plugin = *resolved.plugin;
  protocol::SpecPlugin frozen;
  frozen.name = plugin.name;
  frozen.version = plugin.version;
  frozen.file = plugin.file;
  frozen.build_id = plugin.build_id;
  frozen.sha256 = hashes.Sha256(plugin.file);
  frozen.options = resolved.options;
  if (results == nullptr || (plugin.role != "dataset" && plugin.role != "teacher")) return frozen;
  if (const auto known = results->FindFingerprint(FingerprintKey(resolved))) {
    frozen.fingerprint = known->fingerprint;
    frozen.fingerprint_location = known->location;
  }
  return frozen;
}

protocol::StageSpec SpecMaker::Make(int index, const std::string& writer) {
  const grid::StageNode& stage = graph_.stages[index];
  protocol::StageSpec spec;
  spec.key = stage.key;
  spec.kind = stage.kind;
  spec.folder = std::filesystem::absolute(store_.StageFolder(stage.key)).string();
  spec.writer = writer;
  spec.seed = stage.seed;
  spec.device = device_;
  spec.protocol = stage.protocol();
  spec.label = labels_.stages[index];
  for (const auto& [role, plugin] : stage.plugins()) {
    spec.plugins[role] = FreezePlugin(*plugin, hashes_, &results_);
  }
  for (const auto& [section, values] : stage.options()) spec.options[section] = *values;
  for (const auto& [kind, input] : stage.inputs) {
    spec.inputs[kind] =
        std::filesystem::absolute(store_.Artifact(graph_.stages[input].key)).string();
  }
  return spec;
}

std::vector<results::PluginRecord> SpecMaker::Plugins(int index) {
  std::vector<results::PluginRecord> records;
  for (const auto& [role, resolved] : graph_.stages[index].plugins()) {
    const base::PluginDescription& plugin = *resolved->plugin;
    records.push_back({role,
                       plugin.name,
                       plugin.version,
                       plugin.build_id,
                       hashes_.Sha256(plugin.file),
                       plugin.file});
  }
  return records;
}

std::vector<std::string> FindMissingInputs(const grid::PlanGraph& graph,
                                           const std::vector<int>& stages) {
  std::set<std::string> problems;
  std::set<const grid::StageContent*> contents;
  std::set<const grid::ResolvedPlugin*> plugins;
  for (const int index : stages) {
    const grid::StageNode& stage = graph.stages[index];
    if (!contents.insert(stage.content.get()).second) continue;
    for (const std::string& name : grid::UnsetVariables(stage)) {
      problems.insert(fmt::format("the environment variable {} is not set", name));
    }
    for (const auto& [role, resolved] : stage.plugins()) {
      if (plugins.insert(resolved.get()).second) FindMissing(role, *resolved, problems);
    }
  }
  return {problems.begin(), problems.end()};
}

}  // namespace cross4d::launch
