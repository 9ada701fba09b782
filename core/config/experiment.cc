// SPDX-License-Identifier: Apache-2.0
#include "core/config/experiment.h"

#include <string>

namespace cross4d::config {

const std::vector<std::string>& Roles() {
  static const std::vector<std::string> roles = {"dataset", "teacher", "student", "objective"};
  return roles;
}

const base::PluginDescription* OptionCatalog::FindPlugin(std::string_view role,
                                                         std::string_view name) const {
  for (const base::PluginDescription& plugin : plugins) {
    if (plugin.role == role && plugin.name == name) return &plugin;
  }
  return nullptr;
}

std::vector<std::string> OptionCatalog::PluginNames(std::string_view role) const {
  std::vector<std::string> names;
  for (const base::PluginDescription& plugin : plugins) {
    if (plugin.role == role) names.push_back(plugin.name);
  }
  return names;
}

std::string OptionPath::Text() const {
  std::string text = evaluation.empty() ? "" : "evaluate." + evaluation + ".";
  if (!area.empty()) text += area + ".";
  if (!plugin.empty()) text += plugin + ".";
  return text + option;
}

std::string Experiment::Line(const base::SourceLocation& where) const {
  const auto lines = source_lines.find(where.file);
  const bool known = lines != source_lines.end() && where.line > 0 &&
                     where.line <= static_cast<int>(lines->second.size());
  return known ? lines->second[static_cast<std::size_t>(where.line - 1)] : std::string();
}

}  // namespace cross4d::config
