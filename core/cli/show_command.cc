// SPDX-License-Identifier: Apache-2.0
#include "core/cli/command.h"
#include "core/cli/common_options.h"
#include "core/cli/text_table.h"
#include "core/launch/display.h"
#include "core/results/result_store.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>

namespace cross4d::cli {
namespace {

using nlohmann::json;

struct ShowOptions {
  std::string key;
  bool json = false;
  DatabaseOptions database;
};

std::string Duration(const results::AttemptRow& attempt) {
  if (!attempt.started || !attempt.ended) return "";
  return launch::FormatSeconds(*attempt.ended - *attempt.started);
}

json AttemptJson(const results::AttemptRow& attempt) {
  json row = {{"number", attempt.number},
              {"state", attempt.state},
              {"cause", attempt.cause},
              {"text", attempt.text},
              {"writer", attempt.writer},
              {"log_tail", attempt.log_tail},
              {"host", attempt.environment.host},
              {"device", attempt.environment.device},
              {"threads", attempt.environment.threads},
              {"libtorch", attempt.environment.libtorch},
              {"cpu", attempt.environment.cpu},
              {"git_revision", attempt.environment.git_revision},
              {"git_dirty", attempt.environment.git_dirty}};
  if (attempt.started) row["started"] = *attempt.started;
  if (attempt.ended) row["ended"] = *attempt.ended;
  json plugins = json::array();
  for (const results::PluginRecord& plugin : attempt.plugins) {
    plugins.push_back({{"role", plugin.role},
                       {"name", plugin.name},
                       {"version", plugin.version},
                       {"build_id", plugin.build_id},
                       {"sha256", plugin.sha256},
                       {"file", plugin.file}});
  }
  row["plugins"] = std::move(plugins);
  return row;
}

void PrintJson(const results::RunDetail& detail) {
  json stages = json::array();
  for (const results::StageRow& stage : detail.stages) {
    json attempts = json::array(), metrics = json::array();
    for (const auto& attempt : stage.attempts) attempts.push_back(AttemptJson(attempt));
    for (const auto& metric : stage.metrics) {
      metrics.push_back({{"name", metric.name}, {"step", metric.step}, {"value", metric.value}});
    }
    json row = {{"key", stage.key},
                {"kind", stage.kind},
                {"evaluation", stage.evaluation},
                {"state", stage.state},
                {"cause", stage.cause},
                {"attempts", std::move(attempts)},
                {"metrics", std::move(metrics)}};
    if (stage.artifact) {
      row["artifact"] = {{"hash", stage.artifact->hash},
                         {"bytes", stage.artifact->bytes},
                         {"folder", stage.artifact->folder}};
    }
    stages.push_back(std::move(row));
  }
  const results::RunRow& run = detail.run;
  fmt::print("{}\n",
             json{{"key", run.key},
                  {"experiment", run.experiment},
                  {"seed", run.seed},
                  {"state", run.state},
                  {"cause", run.cause},
                  {"options", detail.options},
                  {"stages", std::move(stages)}}
                 .dump(1));
}

void PrintStages(const results::RunDetail& detail) {
  std::vector<std::vector<std::string>> rows;
  for (const results::StageRow& stage : detail.stages) {
    const std::string name = stage.evaluation.empty() ? stage.kind : stage.evaluation;
    if (stage.attempts.empty()) rows.push_back({"", name, stage.key.substr(0, 8), stage.state});
    for (const results::AttemptRow& attempt : stage.attempts) {
      rows.push_back({"",
                      name,
                      stage.key.substr(0, 8),
                      attempt.state,
                      fmt::format("attempt {}", attempt.number),
                      Duration(attempt),
                      attempt.text.empty() ? attempt.cause : attempt.cause + ": " + attempt.text});
    }
  }
  fmt::print("stages\n{}", TextTable({}, rows));
}

void PrintMetrics(const results::RunDetail& detail) {
  std::vector<std::vector<std::string>> rows;
  for (const results::StageRow& stage : detail.stages) {
    for (const results::MetricRecord& metric : stage.metrics) {
      if (metric.step != -1) continue;
      const std::string source = stage.evaluation.empty() ? stage.kind : stage.evaluation;
      rows.push_back({"", source + "." + metric.name, fmt::format("{:.6g}", metric.value)});
    }
  }
  if (!rows.empty()) fmt::print("final values\n{}", TextTable({}, rows));
}

void PrintLogs(const results::RunDetail& detail) {
  for (const results::StageRow& stage : detail.stages) {
    if (stage.attempts.empty() || stage.state == "done") continue;
    const results::AttemptRow& last = stage.attempts.back();
    if (!last.log_tail.empty()) fmt::print("last log lines of {}\n{}", stage.kind, last.log_tail);
  }
}

int Show(const ShowOptions& options) {
  auto results = results::ResultStore::Open(options.database.db, results::OpenMode::kRead);
  const results::RunDetail detail = results.Show(options.key);
  if (options.json) {
    PrintJson(detail);
    return kOk;
  }
  const results::RunRow& run = detail.run;
  fmt::print("run {}\n  experiment {}, seed {}, {}{}\n",
             run.key,
             run.experiment,
             run.seed,
             run.state,
             run.cause.empty() ? "" : fmt::format(" ({}: {})", run.failed_stage, run.cause));
  PrintStages(detail);
  PrintMetrics(detail);
  PrintLogs(detail);
  std::vector<std::vector<std::string>> rows;
  for (const auto& [path, value] : detail.options) rows.push_back({"", path, value});
  fmt::print("options\n{}", TextTable({}, rows));
  return kOk;
}

}  // namespace

void DefineShow(CLI::App& app, Action& action) {
  auto options = std::make_shared<ShowOptions>();
  app.add_option("key", options->key, "Beginning of the run's key")->required()->type_name("KEY");
  DefineJson(app, options->json);
  options->database.Define(app);
  app.callback([&action, options] { action = [options] { return Show(*options); }; });
}

}  // namespace cross4d::cli
