// SPDX-License-Identifier: Apache-2.0
#include "core/base/process.h"
#include "core/cli/command.h"
#include "core/cli/common_options.h"
#include "core/cli/session.h"
#include "core/cli/version.h"
#include "core/launch/machine.h"
#include "core/plugin/discover.h"
#include "core/protocol/event.h"
#include "core/results/result_store.h"

#include <cross4d/sdk/error.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>

namespace cross4d::cli {
namespace {

using nlohmann::json;

struct DoctorOptions {
  DatabaseOptions database;
  StoreOptions store;
  PluginFolderOptions plugins;
  bool json = false;
};

// What the worker says of itself when it comes up: its `ready` event.
json AskWorker() {
  const std::string program = WorkerProgram();
  json answer = {{"program", program}};
  try {
    base::ChildProcess::Options options;
    options.arguments = {program, "serve"};
    options.stderr_file = "/dev/null";
    base::ChildProcess child(options);
    child.CloseStdin();
    std::string text;
    char buffer[4096];
    for (ssize_t size; (size = read(child.stdout_fd(), buffer, sizeof buffer)) != 0;) {
      if (size < 0 && errno != EINTR) break;
      if (size > 0) text.append(buffer, static_cast<std::size_t>(size));
    }
    const base::ExitStatus status = child.Wait();
    const auto event = protocol::ParseLine(text.substr(0, text.find('\n')));
    if (event && event->type == protocol::EventType::kReady) {
      if (!event->data.empty()) answer.update(json::parse(event->data));
    } else {
      answer["error"] = "does not start: " + status.Describe();
    }
  } catch (const Error& error) {
    answer["error"] = error.what();
  }
  return answer;
}

json DatabaseState(const std::string& path) {
  json state = {{"file", std::filesystem::absolute(path).string()}};
  if (!std::filesystem::exists(path)) {
    state["state"] = "not there yet";
    return state;
  }
  try {
    auto results = results::ResultStore::Open(path, results::OpenMode::kRead);
    const results::CheckReport report = results.Check(false);
    state["schema"] = results.SchemaVersion();
    state["state"] = report.problems.empty() ? "ok" : "broken";
    state["problems"] = report.problems;
    state["notes"] = report.notes;
  } catch (const Error& error) {
    state["state"] = "error";
    state["problems"] = {error.what()};
  }
  return state;
}

json Examine(const DoctorOptions& options) {
  const launch::Machine machine = launch::ReadMachine();
  json found = {{"version", VersionText()},
                {"cpu", machine.cpu},
                {"cores", std::thread::hardware_concurrency()},
                {"fast_bf16", machine.fast_bf16},
                {"gpus", machine.gpus},
                {"worker", AskWorker()},
                {"database", DatabaseState(options.database.db)},
                {"store", std::filesystem::absolute(options.store.store).string()}};
  json folders = json::array();
  for (const auto& folder : plugin::SearchFolders(options.plugins.folders)) {
    folders.push_back(folder.string());
  }
  json plugins = {{"folders", std::move(folders)}};
  try {
    const plugin::Discovery discovery = plugin::Discover(options.plugins.folders);
    plugins["usable"] = discovery.usable.size();
    plugins["refused"] = json::array();
    for (const auto& file : discovery.refused) {
      plugins["refused"].push_back({{"file", file.file}, {"reason", file.reason}});
    }
  } catch (const Error& error) {
    plugins["error"] = error.what();
  }
  found["plugins"] = std::move(plugins);
  return found;
}

// Nested objects as indented lines; lists of texts as one line each.
void Print(const json& value, const std::string& name, int depth) {
  const std::string indent(2 * static_cast<std::size_t>(depth), ' ');
  if (value.is_object()) {
    fmt::print("{}{}\n", indent, name);
    for (const auto& [key, part] : value.items()) Print(part, key, depth + 1);
  } else if (value.is_array()) {
    for (const json& part : value) {
      if (part.is_object() && part.contains("reason")) {
        fmt::print("{}{}: {}: {}\n",
                   indent,
                   name,
                   part["file"].get<std::string>(),
                   part["reason"].get<std::string>());
      } else {
        Print(part, name, depth);
      }
    }
  } else {
    fmt::print(
        "{}{}: {}\n", indent, name, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

int Doctor(const DoctorOptions& options) {
  const json found = Examine(options);
  if (options.json) {
    fmt::print("{}\n", found.dump(1));
  } else {
    for (const auto& [key, value] : found.items()) Print(value, key, 0);
  }
  const bool healthy = !found["worker"].contains("error") && !found["plugins"].contains("error") &&
                       found["database"]["state"] != "broken" &&
                       found["database"]["state"] != "error";
  return healthy ? kOk : kBadEnvironment;
}

}  // namespace

void DefineDoctor(CLI::App& app, Action& action) {
  auto options = std::make_shared<DoctorOptions>();
  options->database.Define(app);
  options->store.Define(app);
  options->plugins.Define(app);
  DefineJson(app, options->json);
  app.callback([&action, options] { action = [options] { return Doctor(*options); }; });
}

}  // namespace cross4d::cli
