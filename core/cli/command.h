// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>

#include <functional>

namespace cross4d::cli {

/// What a command does after its options have been read; returns the exit code. Throws Error.
using Action = std::function<int()>;

/// One row of main.cc's table: a command and the function that declares its options on `app` and
/// sets `action`.
struct Command {
  const char* name;
  const char* group;  ///< heading in --help
  const char* summary;
  void (*define)(CLI::App& app, Action& action);
};

/// Exit codes (architecture, section 8).
enum ExitCode { kOk = 0, kSomeFailed = 1, kBadInput = 2, kBadEnvironment = 3, kInterrupted = 130 };

void DefineRun(CLI::App& app, Action& action);
void DefinePlan(CLI::App& app, Action& action);
void DefineTable(CLI::App& app, Action& action);
void DefineRuns(CLI::App& app, Action& action);
void DefineShow(CLI::App& app, Action& action);
void DefineSql(CLI::App& app, Action& action);
void DefinePlugins(CLI::App& app, Action& action);
void DefineDoctor(CLI::App& app, Action& action);
void DefineDb(CLI::App& app, Action& action);
void DefineCache(CLI::App& app, Action& action);
void DefineTeacher(CLI::App& app, Action& action);
void DefineData(CLI::App& app, Action& action);
void DefineCompletion(CLI::App& app, Action& action);

}  // namespace cross4d::cli
