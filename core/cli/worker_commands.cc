// SPDX-License-Identifier: Apache-2.0
#include "core/cli/worker_commands.h"

#include "core/cli/command.h"
#include "core/cli/session.h"

#include <cross4d/sdk/error.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace cross4d::cli {
namespace {

// What needs tensors is the worker's: everything behind the command's name goes there as it is.
void Forward(CLI::App& app, Action& action) {
  app.prefix_command();
  app.set_help_flag();
  app.callback([&app, &action] {
    action = [&app] {
      std::vector<std::string> arguments = {app.get_name()};
      for (const std::string& rest : app.remaining()) arguments.push_back(rest);
      BecomeWorker(arguments);
      return kOk;
    };
  });
}

}  // namespace

void BecomeWorker(const std::vector<std::string>& arguments) {
  const std::string program = WorkerProgram();
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::fflush(stdout);
  signal(SIGPIPE, SIG_DFL);
  execv(program.c_str(), argv.data());
  throw Error(ErrorCode::kEnvironment,
              fmt::format("cannot start {}: {}", program, std::strerror(errno)));
}

void DefineTeacher(CLI::App& app, Action& action) { Forward(app, action); }
void DefineData(CLI::App& app, Action& action) { Forward(app, action); }

}  // namespace cross4d::cli
