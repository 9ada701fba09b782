// SPDX-License-Identifier: Apache-2.0
// Objective `faulty`: one option says how it breaks.
#include <cross4d/sdk/error.h>
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/plugin.h>

#include <signal.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace {

struct Options {
  std::string fault = "none";
  bool build = false;
};

cross4d::OptionTable<Options> DescribeOptions() {
  cross4d::OptionTable<Options> table;
  table.Add("fault", &Options::fault, "What happens.")
      .Choices({"none",
                "error",
                "throw",
                "throw-int",
                "segfault",
                "abort",
                "exit",
                "kill",
                "slow",
                "nan",
                "infinite"});
  table.Add("build", &Options::build, "It happens in Build instead of the third Step.");
  return table;
}

class Faulty : public cross4d::Objective {
 public:
  Faulty(const Options& options, const cross4d::PluginContext&) : options_(options) {}

  void Build(const cross4d::ObjectiveShape&, cross4d::Student&) override {
    if (options_.build) Break();
  }

  cross4d::ObjectiveOutput Step(cross4d::Student& student,
                                const cross4d::TrainBatch& batch,
                                const cross4d::StepContext& context) override {
    if (!options_.build && context.step == 2) Break();
    if (options_.fault == "slow") usleep(100000);
    const double factor = context.step == 2 ? Factor() : 1;
    return {student.Forward(batch.input).features.square().mean() * factor, {}, {}};
  }

 private:
  void Break() {
    const std::string& fault = options_.fault;
    if (fault == "error") cross4d::FailInput("faulty was told to fail");
    if (fault == "throw") throw std::runtime_error("thrown by the plugin");
    if (fault == "throw-int") throw 42;
    if (fault == "segfault") raise(SIGSEGV);
    if (fault == "abort") std::abort();
    if (fault == "exit") std::_Exit(7);
    if (fault == "kill") raise(SIGKILL);
  }

  double Factor() const {
    if (options_.fault == "nan") return std::nan("");
    return options_.fault == "infinite" ? HUGE_VAL : 1;
  }

  Options options_;
};

}  // namespace

CROSS4D_PLUGIN(objective,
               Objective,
               "faulty",
               "1.0.0",
               "Breaks as it is told.",
               "",
               "",
               Faulty,
               DescribeOptions)
