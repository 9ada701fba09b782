// SPDX-License-Identifier: Apache-2.0
#include "core/base/usage.h"

#include "core/base/diagnostics.h"

#include <CLI/CLI.hpp>

#include <vector>

namespace cross4d::base {
namespace {

// The innermost command that was given, and the words that lead to it.
const CLI::App* Innermost(const CLI::App* app, std::string* path) {
  *path = app->get_name();
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    *path += " " + app->get_name();
  }
  return app;
}

std::vector<std::string> KnownOptions(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> KnownCommands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

std::string Unknown(const CLI::App& app, const std::string& word) {
  const bool option = word.starts_with("-");
  const std::vector<std::string> known = option ? KnownOptions(app) : KnownCommands(app);
  const char* what = option          ? "unknown option "
                     : known.empty() ? "unexpected "
                                     : "unknown command ";
  const std::string nearest = Nearest(word.substr(0, word.find('=')), known);
  return what + word + (nearest.empty() ? "" : "; did you mean " + nearest + "?");
}

}  // namespace

std::string UsageMessage(const CLI::App& app, const CLI::ParseError& error) {
  std::string path;
  const CLI::App* at = Innermost(&app, &path);
  const std::vector<std::string> extras = at->remaining();
  const std::string what = extras.empty() ? error.what() : Unknown(*at, extras.front());
  const std::size_t command = path.find(' ');
  return (command == std::string::npos ? "" : path.substr(command + 1) + ": ") + what + " (" +
         path + " --help)";
}

}  // namespace cross4d::base
