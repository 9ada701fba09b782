// SPDX-License-Identifier: Apache-2.0
#include "core/base/usage.h"
#include "core/cli/command.h"
#include "core/cli/version.h"

#include <cross4d/sdk/error.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <exception>

namespace {

using cross4d::Error;
using cross4d::ErrorCode;
using cross4d::cli::Action;
using cross4d::cli::Command;

constexpr const char* kExperiments = "Experiments";
constexpr const char* kResults = "Results";
constexpr const char* kParts = "Parts";
constexpr const char* kHealth = "Health";

constexpr Command kCommands[] = {
    {"run",
     kExperiments,
     "Do what is not done yet: first run, resume, extend, retry",
     cross4d::cli::DefineRun},
    {"plan", kExperiments, "What run would do, with a reason per run", cross4d::cli::DefinePlan},
    {"table", kResults, "Tables from the database", cross4d::cli::DefineTable},
    {"runs", kResults, "List the runs of the latest plans", cross4d::cli::DefineRuns},
    {"show", kResults, "One run: options, stages, attempts, metrics", cross4d::cli::DefineShow},
    {"sql", kResults, "A read-only query on the database", cross4d::cli::DefineSql},
    {"plugins",
     kParts,
     "List plugins, show options, check, start a new one",
     cross4d::cli::DefinePlugins},
    {"teacher", kParts, "Run a teacher on its own (cross4d-worker)", cross4d::cli::DefineTeacher},
    {"data", kParts, "Look at a data set (cross4d-worker)", cross4d::cli::DefineData},
    {"cache",
     kHealth,
     "The store of artifacts: list, verify, collect garbage",
     cross4d::cli::DefineCache},
    {"db", kHealth, "The results database: check, migrate, backup", cross4d::cli::DefineDb},
    {"doctor", kHealth, "Versions, devices, plugin folders, database", cross4d::cli::DefineDoctor},
    {"completion",
     kHealth,
     "Shell completion for bash, zsh or fish",
     cross4d::cli::DefineCompletion},
};

int ExitCodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInput:
    case ErrorCode::kPlugin:
      return cross4d::cli::kBadInput;
    case ErrorCode::kCancelled:
      return cross4d::cli::kInterrupted;
    default:
      return cross4d::cli::kBadEnvironment;
  }
}

int Main(int argc, char** argv) {
  CLI::App app("Cross4D: from a TOML grid of experiments to a table.", "cross4d");
  app.set_version_flag("--version", cross4d::cli::VersionText());
  app.require_subcommand(1);
  app.get_formatter()->column_width(32);
  app.footer("A command's own options: cross4d COMMAND --help");
  Action action;
  for (const Command& command : kCommands) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->group(command.group);
    command.define(*sub, action);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // help, version
    cross4d::FailInput(cross4d::base::UsageMessage(app, error));
  }
  const int code = action();
  if (std::fflush(stdout) != 0)
    throw Error(ErrorCode::kEnvironment, "cannot write standard output");
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  // A closed pipe (cross4d table | head, a worker that died) is an error code here, not the end.
  signal(SIGPIPE, SIG_IGN);
  try {
    return Main(argc, argv);
  } catch (const Error& error) {
    fmt::print(stderr, "cross4d: {}\n", error.what());
    return ExitCodeOf(error.code());
  } catch (const std::exception& error) {
    fmt::print(stderr, "cross4d: {}\n", error.what());
    return cross4d::cli::kBadEnvironment;
  }
}
