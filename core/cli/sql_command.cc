// SPDX-License-Identifier: Apache-2.0
#include "core/cli/command.h"
#include "core/cli/common_options.h"
#include "core/cli/text_table.h"
#include "core/results/result_store.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace cross4d::cli {
namespace {

using nlohmann::json;
using results::SqlResult;

struct SqlOptions {
  std::string query;
  bool json = false;
  DatabaseOptions database;
};

json Value(const SqlResult::Cell& cell) {
  switch (cell.type) {
    case SqlResult::Type::kNull:
      return nullptr;
    case SqlResult::Type::kInteger:
      return std::strtoll(cell.text.c_str(), nullptr, 10);
    case SqlResult::Type::kReal:
      return std::strtod(cell.text.c_str(), nullptr);
    default:
      return cell.text;
  }
}

int Sql(const SqlOptions& options) {
  auto results = results::ResultStore::Open(options.database.db, results::OpenMode::kRead);
  const SqlResult result = results.Query(options.query);
  if (options.json) {
    json rows = json::array();
    for (const auto& cells : result.rows) {
      json row = json::object();
      for (std::size_t i = 0; i < cells.size(); ++i) row[result.columns[i]] = Value(cells[i]);
      rows.push_back(std::move(row));
    }
    fmt::print("{}\n", rows.dump(1));
    return kOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& cells : result.rows) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const SqlResult::Cell& cell : cells) row.push_back(cell.text);
  }
  const std::string text = TextTable(result.columns, rows);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kOk;
}

}  // namespace

void DefineSql(CLI::App& app, Action& action) {
  auto options = std::make_shared<SqlOptions>();
  app.add_option("query",
                 options->query,
                 "One read-only statement; views: run_summary, stage_summary, "
                 "metric_final, run_option, table_cell")
      ->required()
      ->type_name("SELECT");
  DefineJson(app, options->json);
  options->database.Define(app);
  app.callback([&action, options] { action = [options] { return Sql(*options); }; });
}

}  // namespace cross4d::cli
