// SPDX-License-Identifier: Apache-2.0
#include "core/base/diagnostics.h"
#include "core/base/option_json.h"
#include "core/cli/command.h"
#include "core/cli/common_options.h"
#include "core/cli/plugin_template.h"
#include "core/cli/text_table.h"
#include "core/cli/worker_commands.h"
#include "core/config/catalog.h"
#include "core/plugin/discover.h"

#include <cross4d/sdk/error.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace cross4d::cli {
namespace {

using nlohmann::json;

struct PluginsOptions {
  PluginFolderOptions folders;
  bool json = false;
  bool markdown = false;  ///< show: the table for a README
  std::string name;       ///< show: NAME or ROLE/NAME
  std::string role, folder;
};

json PluginJson(const base::PluginDescription& plugin) {
  return {{"role", plugin.role},
          {"name", plugin.name},
          {"version", plugin.version},
          {"doc", plugin.doc},
          {"file", plugin.file},
          {"build_id", plugin.build_id},
          {"provides", plugin.provides},
          {"requires", plugin.requires_tags}};
}

int List(const PluginsOptions& options) {
  const plugin::Discovery found = plugin::Discover(options.folders.folders);
  if (options.json) {
    json plugins = json::array(), refused = json::array();
    for (const auto& plugin : found.usable) plugins.push_back(PluginJson(plugin));
    for (const auto& file : found.refused) {
      refused.push_back({{"file", file.file}, {"reason", file.reason}});
    }
    fmt::print("{}\n", json{{"plugins", plugins}, {"refused", refused}}.dump(1));
    return kOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& plugin : found.usable) {
    rows.push_back({plugin.role, plugin.name, plugin.version, plugin.doc});
  }
  fmt::print("{}", TextTable({"role", "name", "version", ""}, rows));
  if (found.usable.empty()) {
    fmt::print("no plugins; searched:\n");
    for (const auto& folder : plugin::SearchFolders(options.folders.folders)) {
      fmt::print("  {}\n", folder.string());
    }
  }
  for (const auto& file : found.refused) fmt::print("refused: {}: {}\n", file.file, file.reason);
  return kOk;
}

std::vector<const base::PluginDescription*> Named(const plugin::Discovery& found,
                                                  const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string name = slash == std::string::npos ? text : text.substr(slash + 1);
  std::vector<const base::PluginDescription*> hits;
  std::vector<std::string> known;
  for (const auto& plugin : found.usable) {
    known.push_back(plugin.name);
    const bool role = slash == std::string::npos || text.compare(0, slash, plugin.role) == 0;
    if (role && plugin.name == name) hits.push_back(&plugin);
  }
  if (!hits.empty()) return hits;
  for (const auto& file : found.refused) {
    if (std::filesystem::path(file.file).stem().string().ends_with("_" + name)) {
      throw Error(ErrorCode::kPlugin, fmt::format("{} is refused: {}", file.file, file.reason));
    }
  }
  const std::string nearest = base::Nearest(name, known);
  FailInput(fmt::format("no plugin named '{}'{}; 'cross4d plugins' lists them",
                        text,
                        nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest)));
}

std::string RoleName(OptionRole role) {
  if (role == OptionRole::kLocation) return "location";
  return role == OptionRole::kRuntime ? "runtime" : "key";
}

std::string Limits(const OptionSpec& spec) {
  std::string text;
  if (spec.min && spec.max) {
    text = fmt::format("{:g} to {:g}", *spec.min, *spec.max);
  } else if (spec.min) {
    text = fmt::format("at least {:g}", *spec.min);
  } else if (spec.max) {
    text = fmt::format("at most {:g}", *spec.max);
  }
  for (const std::string& choice : spec.choices) text += (text.empty() ? "" : " | ") + choice;
  return spec.unit.empty() ? text : text + (text.empty() ? "" : " ") + "[" + spec.unit + "]";
}

void PrintPlugin(const base::PluginDescription& plugin) {
  fmt::print("{} {} {}\n  {}\n  {}\n  build-id {}\n",
             plugin.role,
             plugin.name,
             plugin.version,
             plugin.doc,
             plugin.file,
             plugin.build_id);
  const auto tags = [](const char* what, const std::vector<std::string>& list) {
    if (!list.empty()) fmt::print("  {}: {}\n", what, fmt::join(list, ", "));
  };
  tags("provides", plugin.provides);
  tags("requires", plugin.requires_tags);
  std::vector<std::vector<std::string>> rows;
  for (const OptionSpec& spec : plugin.options.options) {
    rows.push_back({spec.name,
                    std::string(OptionTypeName(spec.type)),
                    spec.required ? "required" : FormatOption(spec.default_value),
                    Limits(spec),
                    RoleName(spec.role),
                    spec.doc});
  }
  if (!rows.empty()) {
    fmt::print("\n{}", TextTable({"option", "type", "default", "allowed", "role", ""}, rows));
  }
  for (const OptionPreset& preset : plugin.options.presets) {
    fmt::print("\npreset \"{}\": {}\n", preset.name, preset.doc);
    for (const auto& [name, value] : preset.values)
      fmt::print("  {} = {}\n", name, FormatOption(value));
  }
  for (const OptionRule& rule : plugin.options.rules) {
    const bool divides = rule.kind == OptionRule::Kind::kDivides;
    fmt::print("\nrule: {} {} {}\n", rule.a, divides ? "divides" : "is at most", rule.b);
  }
}

// The part between the marks in a plugin's README; scripts/option_tables.sh puts it there.
void PrintMarkdown(const base::PluginDescription& plugin) {
  fmt::print("<!-- options -->\n");
  if (plugin.options.options.empty()) fmt::print("No options.\n");
  if (!plugin.options.options.empty()) {
    fmt::print("| option | type | default | allowed | role | |\n|---|---|---|---|---|---|\n");
  }
  for (const OptionSpec& spec : plugin.options.options) {
    std::string allowed = Limits(spec);
    for (std::size_t at = 0; (at = allowed.find(" | ", at)) != allowed.npos;) {
      allowed.replace(at, 3, ", ");
    }
    fmt::print("| `{}` | {} | {} | {} | {} | {} |\n",
               spec.name,
               OptionTypeName(spec.type),
               spec.required ? "required" : "`" + FormatOption(spec.default_value) + "`",
               allowed,
               RoleName(spec.role),
               spec.doc);
  }
  for (const OptionPreset& preset : plugin.options.presets) {
    std::string values;
    for (const auto& [name, value] : preset.values) {
      values += fmt::format("{}`{} = {}`", values.empty() ? "" : ", ", name, FormatOption(value));
    }
    fmt::print("\nPreset `{}`: {} {}\n", preset.name, preset.doc, values);
  }
  fmt::print("<!-- /options -->\n");
}

int Show(const PluginsOptions& options) {
  const plugin::Discovery found = plugin::Discover(options.folders.folders);
  const auto hits = Named(found, options.name);
  json all = json::array();
  for (const base::PluginDescription* plugin : hits) {
    if (options.json) {
      json row = PluginJson(*plugin);
      row["options"] = base::ToJson(plugin->options);
      all.push_back(std::move(row));
    } else if (options.markdown) {
      PrintMarkdown(*plugin);
    } else {
      PrintPlugin(*plugin);
    }
  }
  if (options.json) fmt::print("{}\n", all.dump(1));
  return kOk;
}

int New(const PluginsOptions& options) {
  const std::filesystem::path folder = options.folder.empty() ? options.name : options.folder;
  for (const auto& file : WritePluginTemplate(options.role, options.name, folder)) {
    fmt::print("{}\n", file.string());
  }
  fmt::print("README.md says how to build and test it.\n");
  return kOk;
}

}  // namespace

void DefinePlugins(CLI::App& app, Action& action) {
  auto options = std::make_shared<PluginsOptions>();
  options->folders.Define(app);
  DefineJson(app, options->json);
  app.require_subcommand(0, 1);

  CLI::App* show = app.add_subcommand("show", "Options, presets and tags of one plugin");
  show->add_option("name", options->name, "NAME, or ROLE/NAME")->required()->type_name("NAME");
  options->folders.Define(*show);
  DefineJson(*show, options->json);
  show->add_flag("--markdown", options->markdown, "The option table as a plugin's README has it");

  CLI::App* check = app.add_subcommand("check", "Conformance suite of its role (cross4d-worker)");
  check->prefix_command();
  check->set_help_flag();

  CLI::App* create = app.add_subcommand("new", "Write the folder of a new plugin");
  create->add_option("role", options->role, "dataset, teacher, student or objective")
      ->required()
      ->check(CLI::IsMember(config::Roles()));
  create->add_option("name", options->name, "As in my-teacher")->required()->type_name("NAME");
  create->add_option("--folder", options->folder, "Default: ./NAME")->type_name("FOLDER");

  app.callback([&action, options] {
    if (!action) action = [options] { return List(*options); };
  });
  show->callback([&action, options] { action = [options] { return Show(*options); }; });
  create->callback([&action, options] { action = [options] { return New(*options); }; });
  check->callback([&action, check, options] {
    action = [check, options] {
      std::vector<std::string> arguments = {"check"};
      for (const std::string& folder : options->folders.folders) {
        arguments.insert(arguments.end(), {"--plugin-dir", folder});
      }
      for (const std::string& rest : check->remaining()) arguments.push_back(rest);
      BecomeWorker(arguments);
      return kOk;
    };
  });
}

}  // namespace cross4d::cli
