// SPDX-License-Identifier: Apache-2.0
#include "core/launch/deep_check.h"

#include "core/base/process.h"
#include "core/launch/stage_specs.h"
#include "core/protocol/stage_spec.h"

#include <cross4d/sdk/error.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

namespace cross4d::launch {
namespace {

using nlohmann::json;

// Reads lines from the worker's output.
class Answers {
 public:
  explicit Answers(base::ChildProcess& worker) : worker_(worker) {}

  /// The next line; empty at the end.
  std::string Next() {
    std::size_t end;
    while ((end = text_.find('\n')) == std::string::npos) {
      char buffer[4096];
      const ssize_t size = read(worker_.stdout_fd(), buffer, sizeof buffer);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return {};
      text_.append(buffer, static_cast<std::size_t>(size));
    }
    std::string line = text_.substr(0, end);
    text_.erase(0, end + 1);
    return line;
  }

 private:
  base::ChildProcess& worker_;
  std::string text_;
};

// A spec that has the one plugin only.
std::string Question(const grid::ResolvedPlugin& resolved,
                     FileHashes& hashes,
                     results::ResultStore* results) {
  protocol::StageSpec spec;
  spec.kind = "validate";
  spec.plugins[resolved.plugin->role] = FreezePlugin(resolved, hashes, results);
  return protocol::ToJson(spec).dump() + "\n";
}

// A worker that answers question after question; started by the first.
class Inquiry {
 public:
  explicit Inquiry(std::string worker_program) : program_(std::move(worker_program)) {}

  void Ask(const std::set<std::string>& questions) {
    for (const std::string& question : questions) {
      if (worker_ == nullptr) Start();
      worker_->Write(question);
      const json answer = json::parse(answers_->Next(), nullptr, false);
      if (!answer.is_object()) {
        problems_.faults.push_back(
            fmt::format("the worker died ({}) while it made a plugin with these settings: {}",
                        worker_->Wait().Describe(),
                        json::parse(question).at("plugins").dump()));
        return;
      }
      if (answer.contains("refused")) problems_.refused.push_back(answer.at("refused"));
      if (answer.contains("fault")) problems_.faults.push_back(answer.at("fault"));
    }
  }

  bool clean() const { return problems_.refused.empty() && problems_.faults.empty(); }
  const SettingProblems& problems() const { return problems_; }

 private:
  void Start() {
    base::ChildProcess::Options options;
    options.arguments = {program_, "validate"};
    worker_ = std::make_unique<base::ChildProcess>(options);
    answers_.emplace(*worker_);
  }

  std::string program_;
  std::unique_ptr<base::ChildProcess> worker_;
  std::optional<Answers> answers_;
  SettingProblems problems_;
};

using PluginMap = std::map<std::string, grid::ResolvedPluginPtr>;

// The plugins and sections that a trial is about; equal pointers mean equal settings.
struct Trial {
  const grid::ResolvedPlugin *dataset, *student, *objective;
  const OptionValues* targets;
  auto operator<=>(const Trial&) const = default;
};

const grid::ResolvedPlugin* Find(const PluginMap& plugins, const char* role) {
  const auto it = plugins.find(role);
  return it == plugins.end() ? nullptr : it->second.get();
}

std::optional<Trial> TrialOf(const grid::PlanGraph& graph, const grid::StageNode& stage) {
  if (stage.kind != protocol::kTokens && stage.kind != protocol::kEncoder) return {};
  Trial trial{Find(stage.plugins(), "dataset"),
              Find(stage.plugins(), "student"),
              Find(stage.plugins(), "objective"),
              nullptr};
  for (const auto& [kind, index] : stage.inputs) {
    const grid::StageNode& input = graph.stages[index];
    if (kind == std::string_view(protocol::kTokens)) {
      trial.dataset = Find(input.plugins(), "dataset");
    }
    if (kind == std::string_view(protocol::kTargets)) {
      trial.targets = input.options().at("targets").get();
    }
  }
  return trial;
}

// Empty if the data set's options do not say how large its clips are.
std::string Question(const Trial& trial, FileHashes& hashes) {
  protocol::StageSpec spec;
  spec.kind = "validate";
  for (const char* name : {"frames", "points"}) {
    const auto it = trial.dataset->options.find(name);
    if (it == trial.dataset->options.end()) return {};
    if (!std::holds_alternative<std::int64_t>(it->second)) return {};
    spec.options["clip"][name] = it->second;
  }
  if (trial.targets != nullptr) spec.options["targets"] = *trial.targets;
  for (const auto* plugin : {trial.student, trial.objective}) {
    if (plugin == nullptr) continue;
    spec.plugins[plugin->plugin->role] = FreezePlugin(*plugin, hashes, nullptr);
  }
  return protocol::ToJson(spec).dump() + "\n";
}

}  // namespace

SettingProblems AskAboutSettings(const grid::PlanGraph& graph,
                                 const std::vector<int>& stages,
                                 const std::string& worker_program) {
  std::set<const grid::ResolvedPlugin*> settings;
  std::set<Trial> trials;
  for (const int index : stages) {
    const grid::StageNode& stage = graph.stages[index];
    for (const auto& [role, plugin] : stage.plugins()) {
      if (role == "student" || role == "objective") settings.insert(plugin.get());
    }
    if (const auto trial = TrialOf(graph, stage)) trials.insert(*trial);
  }
  std::set<std::string> questions;
  FileHashes hashes;
  for (const auto* plugin : settings) questions.insert(Question(*plugin, hashes, nullptr));
  Inquiry inquiry(worker_program);
  inquiry.Ask(questions);
  // What one of them refuses by itself would be said again by every combination.
  if (!inquiry.clean()) return inquiry.problems();
  questions.clear();
  for (const Trial& trial : trials) questions.insert(Question(trial, hashes));
  questions.erase("");
  inquiry.Ask(questions);
  return inquiry.problems();
}

SettingProblems AskAboutLocations(const grid::PlanGraph& graph,
                                  results::ResultStore& results,
                                  const std::string& worker_program) {
  std::set<const grid::ResolvedPlugin*> settings;
  for (const grid::StageNode& stage : graph.stages) {
    for (const auto& [role, plugin] : stage.plugins()) {
      if (role == "dataset" || role == "teacher") settings.insert(plugin.get());
    }
  }
  std::set<std::string> questions;
  FileHashes hashes;
  for (const auto* plugin : settings) {
    const std::string location = grid::LocationText(*plugin);
    // Without its variable a finished grid still prints its tables; nobody knows where the data is.
    if (location.empty() || !grid::UnsetVariables(*plugin).empty()) continue;
    const auto known = results.FindFingerprint(FingerprintKey(*plugin));
    if (known && known->location != location) {
      questions.insert(Question(*plugin, hashes, &results));
    }
  }
  Inquiry inquiry(worker_program);
  inquiry.Ask(questions);
  return inquiry.problems();
}

}  // namespace cross4d::launch
