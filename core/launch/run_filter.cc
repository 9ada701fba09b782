// SPDX-License-Identifier: Apache-2.0
#include "core/launch/run_filter.h"

#include "core/base/diagnostics.h"

#include <cross4d/sdk/error.h>

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace cross4d::launch {
namespace {

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return parts;
    begin = end + 1;
  }
}

std::string Trim(std::string text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Strings may be given as TOML writes them.
std::string Unquoted(const std::string& text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

RunFilter::RunFilter(const std::string& expression) {
  for (const std::string& part : Split(expression, ',')) {
    const std::size_t at = part.find('=');
    if (at == std::string::npos || at == 0) {
      FailInput(
          fmt::format("--only: '{}' is no condition; expected key=value, as in "
                      "objective.plugin=dense,seed=0",
                      part));
    }
    Condition condition;
    condition.equal = part[at - 1] != '!';
    condition.key = Trim(part.substr(0, condition.equal ? at : at - 1));
    for (const std::string& value : Split(part.substr(at + 1), '|')) {
      condition.values.push_back(Unquoted(Trim(value)));
    }
    conditions_.push_back(std::move(condition));
  }
}

bool RunFilter::Keeps(const grid::PlannedRun& run) const {
  return std::all_of(conditions_.begin(), conditions_.end(), [&](const Condition& condition) {
    bool hit = false;
    for (const std::string& value : condition.values) {
      if (condition.key == "seed") {
        hit |= value == std::to_string(run.seed);
      } else if (condition.key == "block") {
        hit |= value == run.block();
      } else if (condition.key == "key") {
        hit |= run.key.starts_with(value);
      } else {
        const std::string* found = run.Find(condition.key);
        hit |= found && Unquoted(*found) == value;
      }
    }
    return hit == condition.equal;
  });
}

void RunFilter::CheckKeys(const grid::PlanGraph& graph) const {
  for (const Condition& condition : conditions_) {
    std::set<std::string> known = {"seed", "block", "key"};
    if (known.contains(condition.key)) continue;
    const bool found =
        std::any_of(graph.runs.begin(), graph.runs.end(), [&](const grid::PlannedRun& run) {
          return run.Find(condition.key) != nullptr;
        });
    if (found) continue;
    for (const grid::PlannedRun& run : graph.runs) {
      for (const auto& part : run.setting->parts) {
        for (const auto& [key, value] : *part) known.insert(key);
      }
    }
    const std::string nearest = base::Nearest(condition.key, {known.begin(), known.end()});
    FailInput(fmt::format("--only: no run has the key '{}'{}",
                          condition.key,
                          nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest)));
  }
}

std::vector<int> SelectRuns(const grid::PlanGraph& graph, const RunFilter& filter) {
  filter.CheckKeys(graph);
  std::vector<int> kept;
  for (std::size_t i = 0; i < graph.runs.size(); ++i) {
    if (filter.Keeps(graph.runs[i])) kept.push_back(static_cast<int>(i));
  }
  return kept;
}

}  // namespace cross4d::launch
