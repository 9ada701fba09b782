// SPDX-License-Identifier: Apache-2.0
#include "core/cli/command.h"
#include "core/cli/common_options.h"
#include "core/results/result_store.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>

namespace cross4d::cli {
namespace {

struct DbOptions {
  DatabaseOptions database;
  bool files = false;
  std::string to;
};

int Check(const DbOptions& options) {
  auto results = results::ResultStore::Open(options.database.db, results::OpenMode::kRead);
  const results::CheckReport report = results.Check(options.files);
  for (const std::string& problem : report.problems) fmt::print("problem: {}\n", problem);
  for (const std::string& note : report.notes) fmt::print("note: {}\n", note);
  fmt::print("{}: {}\n",
             options.database.db,
             report.problems.empty() ? "ok" : fmt::format("{} problems", report.problems.size()));
  return report.problems.empty() ? kOk : kSomeFailed;
}

int Migrate(const DbOptions& options) {
  const auto results = results::ResultStore::Open(options.database.db, results::OpenMode::kWrite);
  fmt::print("{}: schema version {}\n", options.database.db, results.SchemaVersion());
  return kOk;
}

int Backup(const DbOptions& options) {
  auto results = results::ResultStore::Open(options.database.db, results::OpenMode::kRead);
  results.Backup(options.to);
  fmt::print("{}\n", options.to);
  return kOk;
}

}  // namespace

void DefineDb(CLI::App& app, Action& action) {
  auto options = std::make_shared<DbOptions>();
  app.require_subcommand(1);
  CLI::App* check =
      app.add_subcommand("check", "Check the file and every invariant of its content");
  check->add_flag("--files", options->files, "Compare artifact hashes with the files too");
  options->database.Define(*check);
  check->callback([&action, options] { action = [options] { return Check(*options); }; });
  CLI::App* migrate = app.add_subcommand("migrate", "Bring an older file to this program's schema");
  options->database.Define(*migrate);
  migrate->callback([&action, options] { action = [options] { return Migrate(*options); }; });
  CLI::App* backup = app.add_subcommand("backup", "Write a whole copy, also while runs go on");
  backup->add_option("to", options->to, "The new file")->required()->type_name("FILE");
  options->database.Define(*backup);
  backup->callback([&action, options] { action = [options] { return Backup(*options); }; });
}

}  // namespace cross4d::cli
