// SPDX-License-Identifier: Apache-2.0
#include "core/base/diagnostics.h"
#include "core/conformance/conformance.h"
#include "core/plugin/describe.h"
#include "core/plugin/discover.h"
#include "core/plugin/load.h"
#include "core/worker/command.h"
#include "core/worker/command_line.h"

#include <cross4d/sdk/error.h>

#include <cstdio>

namespace cross4d::worker {
namespace {

using Descriptions = std::vector<base::PluginDescription>;

// All plugins of that name (one per role), or the one of that file.
Descriptions Wanted(const plugin::Discovery& found, const std::string& name) {
  if (name.ends_with(".so")) return {plugin::DescribeFile(name)};
  Descriptions wanted;
  std::vector<std::string> names;
  for (const base::PluginDescription& p : found.usable) {
    if (p.name == name) wanted.push_back(p);
    names.push_back(p.name);
  }
  if (!wanted.empty()) return wanted;
  for (const plugin::RefusedFile& refused : found.refused) {
    if (refused.file.find(name) != std::string::npos) {
      throw Error(ErrorCode::kPlugin, refused.file + ": " + refused.reason);
    }
  }
  const std::string near = base::Nearest(name, names);
  FailInput(
      "no plugin '" + name + "'" +
      (near.empty() ? "; `cross4d plugins` lists what there is" : "; did you mean " + near + "?"));
}

std::vector<const PluginRecord*> LoadObjectives(const plugin::Discovery& found) {
  std::vector<const PluginRecord*> objectives;
  for (const base::PluginDescription& p : found.usable) {
    if (p.role == "objective") objectives.push_back(&plugin::Load(p));
  }
  return objectives;
}

}  // namespace

int Check(const std::vector<std::string>& arguments) {
  CLI::App app("Runs the conformance suite of a plugin's role", "cross4d plugins check");
  PluginRequest request;
  conformance::Settings settings;
  AddPluginArguments(&app, &request);
  app.add_option("--clips", settings.clips, "Data sets: how many clips to read")
      ->check(CLI::PositiveNumber);
  app.add_option("--frames", settings.frames, "Frames of made-up clips")
      ->check(CLI::PositiveNumber);
  app.add_option("--points", settings.points, "Points per frame of made-up clips")
      ->check(CLI::PositiveNumber);
  app.add_option("--target-dim", settings.target_dim, "Length of made-up targets")
      ->check(CLI::PositiveNumber);
  if (const auto code = ParseArguments(&app, arguments)) return *code;

  const plugin::Discovery found = plugin::Discover(request.plugin_dirs);
  settings.threads = ThreadCount(request);
  bool passed = true;
  for (const base::PluginDescription& plugin : Wanted(found, request.name)) {
    if (plugin.role == "student") settings.objectives = LoadObjectives(found);
    settings.options = ParseSettings(plugin.options, request.settings);
    const auto report = conformance::Check(plugin, plugin::Load(plugin), settings);
    std::fputs(report.Render().c_str(), stdout);
    passed &= report.passed();
  }
  return passed ? 0 : 1;
}

}  // namespace cross4d::worker
