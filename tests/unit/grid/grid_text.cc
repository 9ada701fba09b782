// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/grid/grid_text.h"

#include "core/config/load.h"
#include "core/grid/expand.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "tests/unit/config/toy_catalog.h"

namespace cross4d::grid {

const char* const kBase = R"(name = "toy"
[dataset]
plugin = "synth"
[teacher]
plugin = "hog"
[student]
plugin = "p4d"
[objective]
plugin = "dense"
[[evaluate]]
name = "probe"
protocol = "linear-probe"
)";

PlanGraph ExpandText(const std::string& text, const std::vector<std::string>& set) {
  const std::string file = testing::TempDir() + "grid_text_" + std::to_string(getpid()) + ".toml";
  std::ofstream(file, std::ios::binary) << text;
  config::LoadRequest request;
  request.file = file;
  request.set = set;
  base::Diagnostics diagnostics;
  const auto experiment = config::Load(request, config::ToyCatalog(), diagnostics);
  std::remove(file.c_str());
  PlanGraph graph;
  if (experiment) graph = Expand(*experiment, diagnostics);
  if (diagnostics.HasErrors()) throw std::runtime_error(diagnostics.Render());
  return graph;
}

std::vector<std::string> RunKeys(const PlanGraph& graph) {
  std::vector<std::string> keys;
  for (const PlannedRun& run : graph.runs) keys.push_back(run.key);
  return keys;
}

std::vector<std::string> StageKeys(const PlanGraph& graph, const std::string& kind) {
  std::vector<std::string> keys;
  for (const StageNode& stage : graph.stages) {
    if (stage.kind == kind) keys.push_back(stage.key);
  }
  return keys;
}

}  // namespace cross4d::grid
