// SPDX-License-Identifier: Apache-2.0
// Objective `noop`: the mean square of the features; needs no teacher.
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/plugin.h>

namespace {

using namespace cross4d;

struct Options {
  double weight = 1;
};

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("weight", &Options::weight, "Factor on the loss.").Range(0, 1e6);
  return t;
}

class NoopObjective : public Objective {
 public:
  NoopObjective(const Options& options, const PluginContext&) : options_(options) {}

  void Build(const ObjectiveShape&, Student&) override {}
  ObjectiveOutput Step(Student& student, const TrainBatch& batch, const StepContext&) override {
    return {student.Forward(batch.input).features.square().mean() * options_.weight, {}, {}};
  }

 private:
  Options options_;
};

}  // namespace

CROSS4D_PLUGIN(objective,
               Objective,
               "noop",
               "1.0.0",
               "Mean square of the features, for tests.",
               "",
               "",
               NoopObjective,
               DescribeOptions)
