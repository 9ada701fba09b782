// SPDX-License-Identifier: Apache-2.0
#include "core/cli/common_options.h"

#include <CLI/CLI.hpp>

namespace cross4d::cli {

void DatabaseOptions::Define(CLI::App& app) {
  app.add_option("--db", db, "Results database")->type_name("FILE")->capture_default_str();
}

void StoreOptions::Define(CLI::App& app) {
  app.add_option("--store", store, "Folder of artifacts")
      ->type_name("FOLDER")
      ->capture_default_str();
}

void PluginFolderOptions::Define(CLI::App& app) {
  app.add_option("--plugin-dir", folders, "Folder searched for plugins first; may be repeated")
      ->type_name("FOLDER")
      ->allow_extra_args(false);
}

void ExperimentOptions::Define(CLI::App& app) {
  app.add_option("files", paths, "Experiment files, or folders of them")
      ->type_name("FILE|FOLDER")
      ->required();
  app.add_option(
         "--set", set, "Replace a value for this call, as in targets.dim=64; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--seeds", seeds, "Replace the seeds, as in 0,1 or 0-4")->type_name("LIST");
  app.add_option("--only", only, "Only these runs, as in objective.plugin=dense,seed=0")
      ->type_name("EXPR");
}

void DefineJson(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "JSON on standard output");
}

}  // namespace cross4d::cli
