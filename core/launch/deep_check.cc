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
#include <set>

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

SettingProblems Ask(const std::set<std::string>& questions, const std::string& worker_program) {
  SettingProblems problems;
  if (questions.empty()) return problems;
  base::ChildProcess::Options options;
  options.arguments = {worker_program, "validate"};
  base::ChildProcess worker(options);
  Answers answers(worker);
  for (const std::string& question : questions) {
    worker.Write(question);
    const json answer = json::parse(answers.Next(), nullptr, false);
    if (!answer.is_object()) {
      problems.faults.push_back(
          fmt::format("the worker died ({}) while it made a plugin with these settings: {}",
                      worker.Wait().Describe(),
                      json::parse(question).at("plugins").dump()));
      break;
    }
    if (answer.contains("refused")) problems.refused.push_back(answer.at("refused"));
    if (answer.contains("fault")) problems.faults.push_back(answer.at("fault"));
  }
  return problems;
}

}  // namespace

SettingProblems AskAboutSettings(const grid::PlanGraph& graph,
                                 const std::vector<int>& stages,
                                 const std::string& worker_program) {
  std::set<const grid::ResolvedPlugin*> settings;
  for (const int index : stages) {
    for (const auto& [role, plugin] : graph.stages[index].plugins()) {
      if (role == "student" || role == "objective") settings.insert(plugin.get());
    }
  }
  std::set<std::string> questions;
  FileHashes hashes;
  for (const auto* plugin : settings) questions.insert(Question(*plugin, hashes, nullptr));
  return Ask(questions, worker_program);
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
  return Ask(questions, worker_program);
}

}  // namespace cross4d::launch
