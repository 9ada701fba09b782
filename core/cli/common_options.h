// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>

#include <string>
#include <vector>

namespace cross4d::cli {

/// Options that mean the same on every command that takes them.
struct DatabaseOptions {
  std::string db = "results.db";
  void Define(CLI::App& app);
};

struct StoreOptions {
  std::string store = ".cross4d";
  void Define(CLI::App& app);
};

struct PluginFolderOptions {
  std::vector<std::string> folders;  ///< --plugin-dir
  void Define(CLI::App& app);
};

/// Experiment files and what replaces their values for this call.
struct ExperimentOptions {
  std::vector<std::string> paths;
  std::vector<std::string> set;
  std::string seeds;
  std::string only;
  void Define(CLI::App& app);
};

/// Adds --json.
void DefineJson(CLI::App& app, bool& json);

}  // namespace cross4d::cli
