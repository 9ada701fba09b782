// SPDX-License-Identifier: Apache-2.0
#include "core/config/load.h"
#include "core/grid/expand.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/config/toy_catalog.h"

// tests/cases/config/NAME.toml is loaded and expanded; messages and runs must be NAME.expect.
// Comment lines at the top are the command line: `# set: key=value`, `# seeds: 0,1`, `# env:
// NAME=value`. CROSS4D_UPDATE_CASES=1 writes the expectations: read the difference before you
// commit it.
namespace cross4d::grid {
namespace {

namespace fs = std::filesystem;

std::string Read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

fs::path CaseFolder() {
  const char* source = std::getenv("CROSS4D_SOURCE_DIR");
  return fs::path(source == nullptr ? "." : source) / "tests/cases/config";
}

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  if (!fs::exists(CaseFolder())) return names;
  for (const auto& entry : fs::directory_iterator(CaseFolder())) {
    if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

config::LoadRequest RequestOf(const std::string& file) {
  config::LoadRequest request;
  request.file = file;
  std::map<std::string, std::string> environment;
  std::istringstream lines(Read(file));
  for (std::string line; std::getline(lines, line) && line.starts_with("# ");) {
    const auto rest = [&line](const std::string& key) -> std::string {
      return line.starts_with("# " + key + ": ") ? line.substr(key.size() + 4) : "";
    };
    if (!rest("set").empty()) request.set.push_back(rest("set"));
    if (!rest("seeds").empty()) request.seeds = config::ParseSeeds(rest("seeds"));
    if (const std::string text = rest("env"); !text.empty()) {
      environment[text.substr(0, text.find('='))] = text.substr(text.find('=') + 1);
    }
  }
  request.environment = [environment](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  };
  return request;
}

std::string Describe(const config::Experiment& experiment, const PlanGraph& graph) {
  std::ostringstream out;
  out << "experiment " << graph.experiment << ": " << graph.runs.size() << " runs, "
      << graph.stages.size() << " stages";
  for (const auto& [block, count] : graph.block_counts) {
    if (!block.empty()) out << ", " << block << " " << count;
  }
  out << "\n";
  for (const PlannedRun& run : graph.runs) {
    out << "  " << (run.block().empty() ? "" : "[" + run.block() + "] ");
    for (const auto& [path, text] : run.axes()) out << path << "=" << text << " ";
    out << "seed=" << run.seed << " stages=" << run.stages.size() << "\n";
  }
  for (const config::UnsetVariable& unset : experiment.unset_variables) {
    out << "unset " << unset.name << " at line " << unset.where.line << "\n";
  }
  for (const config::TableDefinition& table : experiment.tables) {
    out << "table " << table.definition.dump() << "\n";
  }
  return out.str();
}

std::string Outcome(const std::string& name) {
  base::Diagnostics diagnostics;
  const auto experiment =
      config::Load(RequestOf(name + ".toml"), config::ToyCatalog(), diagnostics);
  std::string runs;
  if (experiment) {
    const PlanGraph graph = Expand(*experiment, diagnostics);
    if (!diagnostics.HasErrors()) runs = Describe(*experiment, graph);
  }
  return diagnostics.Render() + runs;
}

class ConfigCase : public testing::TestWithParam<std::string> {
 protected:
  // Messages name files as they were given: relative to the cases.
  void SetUp() override {
    before_ = fs::current_path();
    fs::current_path(CaseFolder());
  }
  void TearDown() override { fs::current_path(before_); }

 private:
  fs::path before_;
};

TEST_P(ConfigCase, MessagesAndRuns) {
  const std::string outcome = Outcome(GetParam());
  const fs::path expectation = GetParam() + ".expect";
  if (std::getenv("CROSS4D_UPDATE_CASES") != nullptr) {
    std::ofstream(expectation, std::ios::binary) << outcome;
  }
  ASSERT_TRUE(fs::exists(expectation)) << "expected:\n" << outcome;
  EXPECT_EQ(outcome, Read(expectation));
}

INSTANTIATE_TEST_SUITE_P(Files, ConfigCase, testing::ValuesIn(CaseNames()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(ConfigCases, AreFound) { EXPECT_GE(CaseNames().size(), 20u); }

}  // namespace
}  // namespace cross4d::grid
