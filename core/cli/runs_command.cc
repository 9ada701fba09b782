// SPDX-License-Identifier: Apache-2.0
#include "core/cli/command.h"
#include "core/cli/common_options.h"
#include "core/cli/text_table.h"
#include "core/results/result_store.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>

namespace cross4d::cli {
namespace {

using nlohmann::json;

struct RunsOptions {
  std::string experiment;
  bool all = false;
  bool json = false;
  DatabaseOptions database;
};

// "objective.plugin=dense"
std::string AxesText(const std::string& axes) {
  const json parsed = json::parse(axes, nullptr, false);
  std::string text;
  if (!parsed.is_object()) return text;
  for (const auto& [key, value] : parsed.items()) {
    text += fmt::format("{}{}={}",
                        text.empty() ? "" : " ",
                        key,
                        value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

void PrintJson(const std::vector<results::RunRow>& runs) {
  json rows = json::array();
  for (const results::RunRow& run : runs) {
    json row = {{"key", run.key},
                {"experiment", run.experiment},
                {"block", run.block},
                {"seed", run.seed},
                {"axes", json::parse(run.axes, nullptr, false)},
                {"state", run.state},
                {"cause", run.cause},
                {"stage", run.failed_stage},
                {"attempts", run.attempts},
                {"stages", run.stages},
                {"stages_done", run.stages_done}};
    if (run.started) row["started"] = *run.started;
    if (run.ended) row["ended"] = *run.ended;
    rows.push_back(std::move(row));
  }
  fmt::print("{}\n", json{{"runs", rows}}.dump(1));
}

int Runs(const RunsOptions& options) {
  auto results = results::ResultStore::Open(options.database.db, results::OpenMode::kRead);
  const auto runs = results.Runs(options.experiment, options.all);
  if (options.json) {
    PrintJson(runs);
    return kOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const results::RunRow& run : runs) {
    std::string cause = run.cause;
    if (!cause.empty() && !run.failed_stage.empty()) cause = run.failed_stage + ": " + cause;
    rows.push_back({run.key.substr(0, 8),
                    run.experiment,
                    AxesText(run.axes),
                    std::to_string(run.seed),
                    run.state,
                    fmt::format("{}/{}", run.stages_done, run.stages),
                    std::to_string(run.attempts),
                    cause});
  }
  const std::string text = TextTable(
      {"key", "experiment", "axes", "seed", "state", "stages", "attempts", "cause"}, rows);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kOk;
}

}  // namespace

void DefineRuns(CLI::App& app, Action& action) {
  auto options = std::make_shared<RunsOptions>();
  app.add_option("--experiment", options->experiment, "Of this experiment only")->type_name("NAME");
  app.add_flag("--all", options->all, "Also runs that the latest plans no longer have");
  DefineJson(app, options->json);
  options->database.Define(app);
  app.callback([&action, options] { action = [options] { return Runs(*options); }; });
}

}  // namespace cross4d::cli
