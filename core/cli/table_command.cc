// SPDX-License-Identifier: Apache-2.0
#include "core/cli/command.h"
#include "core/cli/common_options.h"
#include "core/cli/session.h"
#include "core/report/table.h"
#include "core/results/result_store.h"

#include <cross4d/sdk/error.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <memory>

namespace cross4d::cli {
namespace {

struct TableOptions {
  std::vector<std::string> names;
  bool all = false;
  std::string format = "text";
  bool trace = false;
  bool json = false;
  std::string check;
  DatabaseOptions database;
};

int ShowTables(const TableOptions& options) {
  report::RenderOptions render;
  render.format = report::ParseFormat(options.json ? "json" : options.format);
  render.trace = options.trace;
  render.style = options.check.empty() && StyledOutput();
  auto results = results::ResultStore::Open(options.database.db, results::OpenMode::kRead);
  const std::string text = report::Render(report::BuildTables(results, options.names), render);
  if (options.check.empty()) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kOk;
  }
  const std::string difference = report::CheckAgainst(text, options.check);
  if (difference.empty()) return kOk;
  fmt::print(stderr, "{}\n", difference);
  return kSomeFailed;
}

}  // namespace

void DefineTable(CLI::App& app, Action& action) {
  auto options = std::make_shared<TableOptions>();
  CLI::Option* names =
      app.add_option("names", options->names, "Tables, or experiment/table; default: all of them")
          ->type_name("NAME");
  app.add_flag("--all", options->all, "Every table of every experiment's latest plan")
      ->excludes(names);
  app.add_option("--format", options->format, "text, markdown, latex, csv or json")
      ->capture_default_str();
  app.add_flag("--trace", options->trace, "Name the runs of every cell");
  app.add_option("--check", options->check, "Exit with 1 if the output differs from this file")
      ->type_name("FILE");
  DefineJson(app, options->json);
  options->database.Define(app);
  app.callback([&action, options] { action = [options] { return ShowTables(*options); }; });
}

}  // namespace cross4d::cli
