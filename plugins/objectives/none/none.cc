// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/plugin.h>

namespace cross4d {
namespace {

struct Options {
  bool bn_calibrate = false;
  std::int64_t calibration_clips = 256;
};

OptionTable<Options> Describe() {
  OptionTable<Options> t;
  t.Add("bn_calibrate",
        &Options::bn_calibrate,
        "Re-estimate BatchNorm statistics on training clips instead of keeping the initial ones.");
  t.Add("calibration_clips",
        &Options::calibration_clips,
        "How many training clips are run through the student for it, with bn_calibrate.")
      .Range(1, 1e6)
      .Unit("clips");
  return t;
}

/// No pretraining: the random column of the tables.
class None final : public Objective {
 public:
  None(const Options& options, const PluginContext&) : options_(options) {}

  void Build(const ObjectiveShape&, Student&) override {}
  ObjectiveOutput Step(Student&, const TrainBatch&, const StepContext&) override {
    throw Error(ErrorCode::kInternal, "objective none has no training step");
  }
  std::int64_t calibration_clips() const override {
    return options_.bn_calibrate ? options_.calibration_clips : 0;
  }

 private:
  Options options_;
};

}  // namespace
}  // namespace cross4d

CROSS4D_PLUGIN(objective,
               Objective,
               "none",
               "1.0.0",
               "No pretraining: the student keeps its initial weights (the tables' random row).",
               "untrained",
               "",
               cross4d::None,
               cross4d::Describe)
