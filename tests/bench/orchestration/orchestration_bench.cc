// SPDX-License-Identifier: Apache-2.0
// What a run costs that computes nothing: 1,000 runs of the noop test plugins, one worker,
// orchestrator and worker together, without an evaluation (one stage each) and with a linear probe
// (three: encoder, embeddings, evaluation); then the plan of 10,000 runs, and the answers of
// finished grids.
//   CROSS4D_BINARY_DIR=build build/bin/bench_orchestration [RUNS]
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>

#include "tests/e2e/program.h"

namespace {

using namespace cross4d::e2e;

struct Cost {
  Result result;
  double cpu = 0;  ///< seconds of the program and of all its children
};

double ChildrenSeconds() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Cost Measure(const Place& place, const std::vector<std::string>& arguments) {
  const double before = ChildrenSeconds();
  Cost cost{place.Run(arguments), 0};
  cost.cpu = ChildrenSeconds() - before;
  if (!cost.result.Ok()) fmt::print("failed: {}\n", cost.result.err);
  return cost;
}

void Print(const std::string& what, const Cost& cost, int per = 0) {
  fmt::print("{:44} {:8.3f} s wall {:8.3f} s CPU", what, cost.result.seconds, cost.cpu);
  if (per > 0) fmt::print("   {:.2f} ms CPU per run", 1e3 * cost.cpu / per);
  fmt::print("\n");
}

std::string WithoutEvaluation(std::string experiment) {
  const std::size_t evaluate = experiment.find("[[evaluate]]"), grid = experiment.find("[grid]");
  experiment.erase(evaluate, grid - evaluate);
  return experiment.substr(0, experiment.find("[[table]]"));
}

}  // namespace

int main(int argc, char** argv) {
  const int runs = argc > 1 ? std::max(10, std::atoi(argv[1])) : 1000;
  const Place place;
  const std::string file = place.Write("noop.toml", NoopExperiment("noop", runs / 10, 10));
  Print(
      "one run, with the worker's start",
      Measure(place, {"run", file, "--workers", "1", "--set", "pretrain.lr=0.5", "--seeds", "0"}));
  const std::string bare =
      place.Write("bare.toml", WithoutEvaluation(NoopExperiment("bare", runs / 10, 10)));
  Print(fmt::format("{} runs, one worker, no evaluation", runs),
        Measure(place, {"run", bare, "--workers", "1"}),
        runs);
  Print(fmt::format("{} runs, one worker, a linear probe each", runs),
        Measure(place, {"run", file, "--workers", "1"}),
        runs);
  Print("the same again", Measure(place, {"run", file, "--workers", "1"}));
  Print("table --all", Measure(place, {"table", "--all"}));
  const std::string large = place.Write("large.toml", NoopExperiment("large", 100, 100));
  Print("plan of 10,000 runs", Measure(place, {"plan", large}));
  Print("plan of 10,000 runs --json", Measure(place, {"plan", large, "--json"}));
  Print("plugins", Measure(place, {"plugins"}));
  Print("--help", Measure(place, {"--help"}));
  return 0;
}
