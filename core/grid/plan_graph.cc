// SPDX-License-Identifier: Apache-2.0
#include "core/grid/plan_graph.h"

#include <algorithm>
#include <set>

namespace cross4d::grid {
namespace {

void CollectVariables(const std::string& text, std::set<std::string>& names) {
  std::size_t begin = 0;
  while ((begin = text.find("${", begin)) != std::string::npos) {
    const std::size_t end = text.find('}', begin);
    if (end == std::string::npos) return;
    names.insert(text.substr(begin + 2, end - begin - 2));
    begin = end;
  }
}

void CollectVariables(const OptionValues& values, std::set<std::string>& names) {
  for (const auto& [name, value] : values) {
    if (const auto* text = std::get_if<std::string>(&value)) CollectVariables(*text, names);
    if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
      for (const std::string& text : *list) CollectVariables(text, names);
    }
  }
}

}  // namespace

const std::string* PlannedRun::Find(std::string_view path) const {
  const auto find = [path](const OptionTexts& texts) -> const std::string* {
    const auto found = std::find_if(
        texts.begin(), texts.end(), [path](const auto& entry) { return entry.first == path; });
    return found == texts.end() ? nullptr : &found->second;
  };
  for (const auto& part : setting->parts) {
    if (const std::string* text = find(*part)) return text;
  }
  return find(setting->axes);
}

std::map<std::string, std::string> PlannedRun::Options(const std::string& experiment) const {
  std::map<std::string, std::string> options(setting->axes.begin(), setting->axes.end());
  for (const auto& part : setting->parts) {
    for (const auto& [path, text] : *part) options[path] = text;
  }
  options["seed"] = std::to_string(seed);
  options["block"] = setting->block;
  options["experiment"] = experiment;
  return options;
}

std::string LocationText(const ResolvedPlugin& plugin) {
  std::string text;
  for (const OptionSpec& spec : plugin.plugin->options.options) {
    const auto value = plugin.options.find(spec.name);
    if (spec.role != OptionRole::kLocation || value == plugin.options.end()) continue;
    if (value->second == OptionValue(std::string())) continue;
    text += (text.empty() ? "" : ", ") + FormatOption(value->second);
  }
  return text;
}

std::string LocationConflict(const std::string& role,
                             const ResolvedPlugin& first,
                             const ResolvedPlugin& second) {
  const std::string known = LocationText(first), here = LocationText(second);
  if (known == here) return {};
  std::string names;
  for (const OptionSpec& spec : second.plugin->options.options) {
    const bool free = spec.type == OptionType::kString && spec.choices.empty();
    if (free && spec.role == OptionRole::kKey) {
      names += (names.empty() ? "`" : ", `") + spec.name + "`";
    }
  }
  return role + " " + second.plugin->name + " is to be read at " + known + " and at " + here +
         " under otherwise equal options, so its runs could not be told apart" +
         (names.empty() ? "" : "; give each its own value of " + names);
}

std::vector<std::string> UnsetVariables(const ResolvedPlugin& plugin) {
  std::set<std::string> names;
  CollectVariables(plugin.options, names);
  return {names.begin(), names.end()};
}

std::vector<std::string> UnsetVariables(const StageNode& stage) {
  std::set<std::string> names;
  for (const auto& [role, plugin] : stage.plugins()) CollectVariables(plugin->options, names);
  for (const auto& [section, options] : stage.options()) CollectVariables(*options, names);
  return {names.begin(), names.end()};
}

}  // namespace cross4d::grid
