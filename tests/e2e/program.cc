// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/program.h"

#include "core/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>

namespace cross4d::e2e {
namespace {

std::string BinaryDir() {
  const char* folder = std::getenv("CROSS4D_BINARY_DIR");
  return folder ? folder : ".";
}

bool Takes(const std::string& command, std::initializer_list<const char*> commands) {
  for (const char* known : commands) {
    if (command == known) return true;
  }
  return false;
}

}  // namespace

std::string Program(const std::string& name) { return BinaryDir() + "/bin/" + name; }

Place::Place() = default;

std::string Place::Write(const std::string& name, const std::string& text) const {
  const std::filesystem::path path = folder_ / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
  return path.string();
}

std::vector<std::string> Place::Complete(std::vector<std::string> arguments) const {
  const std::string command = arguments.empty() ? "" : arguments[0];
  arguments.insert(arguments.begin(), Program("cross4d"));
  const auto add = [&arguments](const std::string& option, const std::string& value) {
    for (const std::string& given : arguments) {
      if (given == option) return;
    }
    arguments.insert(arguments.end(), {option, value});
  };
  if (Takes(command, {"run", "plan", "table", "runs", "show", "sql", "db", "doctor"})) {
    add("--db", (folder_ / "results.db").string());
  }
  if (Takes(command, {"run", "plan", "cache", "doctor"})) {
    add("--store", (folder_ / "store").string());
  }
  return arguments;
}

std::unique_ptr<base::ChildProcess> Place::Start(std::vector<std::string> arguments,
                                                 const std::string& name) const {
  base::ChildProcess::Options options;
  options.arguments = Complete(std::move(arguments));
  options.extra_environment = {"CROSS4D_PLUGIN_PATH=" + BinaryDir() + "/lib/cross4d/test-plugins",
                               "NO_COLOR=1"};
  options.stderr_file = (folder_ / (name + ".err")).string();
  std::filesystem::remove(options.stderr_file);
  return std::make_unique<base::ChildProcess>(options);
}

Result Place::Wait(base::ChildProcess& child, const std::string& name) const {
  Result result;
  child.CloseStdin();
  char buffer[1 << 16];
  for (ssize_t size; (size = read(child.stdout_fd(), buffer, sizeof buffer)) != 0;) {
    if (size < 0 && errno != EINTR) break;
    if (size > 0) result.out.append(buffer, static_cast<std::size_t>(size));
  }
  result.status = child.Wait();
  result.err = base::ReadFile(folder_ / (name + ".err"));
  return result;
}

Result Place::Run(std::vector<std::string> arguments) const {
  const auto start = std::chrono::steady_clock::now();
  const auto child = Start(std::move(arguments), "run");
  Result result = Wait(*child, "run");
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

nlohmann::json Place::Sql(const std::string& query) const {
  const Result result = Run({"sql", "--json", query});
  EXPECT_TRUE(result.Ok()) << result.err;
  return result.Json();
}

std::vector<std::string> Place::FinishedSpools() const {
  std::vector<std::string> keys;
  const std::filesystem::path stages = folder_ / "store" / "stages";
  if (!std::filesystem::exists(stages)) return keys;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(stages)) {
    if (entry.path().extension() != ".jsonl") continue;
    const std::string text = base::ReadFile(entry.path());
    if (text.find("\"event\":\"finished\"") != std::string::npos) {
      keys.push_back(entry.path().parent_path().filename().string());
    }
  }
  return keys;
}

void Place::ExpectHealthy() const {
  const Result result = Run({"db", "check", "--files"});
  EXPECT_TRUE(result.Ok()) << result.out << result.err;
}

std::string NoopExperiment(const std::string& name, int rates, int seeds) {
  std::string text = "name = \"" + name + "\"\nseeds = [";
  for (int seed = 0; seed < seeds; ++seed) text += (seed ? ", " : "") + std::to_string(seed);
  text +=
      "]\n"
      "[dataset]\nplugin = \"noop\"\n"
      "[teacher]\nplugin = \"noop\"\n"
      "[student]\nplugin = \"noop\"\n"
      "[objective]\nplugin = \"noop\"\n"
      "[pretrain]\nepochs = 1\n"
      "[[evaluate]]\nname = \"probe\"\nprotocol = \"linear-probe\"\nepochs = 1\n"
      "[grid]\n\"pretrain.lr\" = [";
  for (int rate = 0; rate < rates; ++rate) {
    text += (rate ? ", " : "") + ("0.0" + std::to_string(1001 + rate));
  }
  return text +
         "]\n"
         "[[table]]\nname = \"noop\"\nrows = \"pretrain.lr\"\n"
         "values = [\"probe.accuracy\", \"probe.loss\"]\n";
}

std::string TinyExperiment(const std::string& name, int seeds) {
  std::string text = "name = \"" + name + "\"\nseeds = [";
  for (int seed = 0; seed < seeds; ++seed) text += (seed ? ", " : "") + std::to_string(seed);
  return text +
         "]\n"
         "[dataset]\nplugin = \"synthetic4d\"\nsubjects = 4\nactions = 3\nrepetitions = 1\n"
         "frames = 4\npoints = 64\nsurface_points = 600\n"
         "[teacher]\nplugin = \"shape-hog\"\n"
         "[targets]\nimage_size = 32\ndim = 16\n"
         "[student]\nplugin = \"point4d\"\npreset = \"quickstart\"\n"
         "centroids = [16, 8]\nk = [8, 4]\n"
         "[objective]\nplugin = \"none\"\n"
         "[pretrain]\nepochs = 2\nbatch = 4\n"
         "[[evaluate]]\nname = \"probe\"\nprotocol = \"linear-probe\"\nepochs = 5\n"
         "[[evaluate]]\nname = \"probe-z\"\nprotocol = \"linear-probe\"\nepochs = 5\n"
         "standardize = true\n"
         "[grid]\n\"objective.plugin\" = [\"none\", \"global\", \"dense\"]\n"
         "[[table]]\nname = \"tiny\"\nrows = \"objective.plugin\"\n"
         "values = [\"probe.accuracy\", \"probe-z.accuracy\"]\n";
}

}  // namespace cross4d::e2e
