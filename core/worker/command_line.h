// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/usage.h"
#include "core/worker/plugin_options.h"

#include <cross4d/sdk/error.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace cross4d::worker {

inline void AddSettingArguments(CLI::App* app, PluginRequest* request) {
  app->add_option("--set", request->settings, "Option KEY=VALUE; may be repeated")
      ->allow_extra_args(false);
  app->add_option("--plugin-dir", request->plugin_dirs, "Folder of plugins")
      ->allow_extra_args(false);
  app->add_option("--threads", request->threads, "Threads (default: all cores)")
      ->check(CLI::PositiveNumber);
}

inline void AddPluginArguments(CLI::App* app, PluginRequest* request) {
  app->add_option("name", request->name, "The plugin's name, or the path of its .so")->required();
  AddSettingArguments(app, request);
}

/// nullopt = go on; else the exit code (help was asked for).
inline std::optional<int> ParseArguments(CLI::App* app, std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());
  try {
    app->parse(std::move(arguments));
    return std::nullopt;
  } catch (const CLI::CallForHelp& e) {
    return app->exit(e);
  } catch (const CLI::ParseError& e) {
    FailInput(base::UsageMessage(*app, e));
  }
}

}  // namespace cross4d::worker
