// SPDX-License-Identifier: Apache-2.0
// Teacher `noop`: the mean grey value of each 16 x 16 patch, and its square.
#include <cross4d/sdk/plugin.h>
#include <cross4d/sdk/teacher.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

namespace {

using namespace cross4d;

constexpr std::int64_t kPatch = 16;

struct Options {
  double gain = 1;
  std::int64_t delay_ms = 0;
  std::string log;
};

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("gain", &Options::gain, "Factor on every feature.").Range(1e-3, 1e3);
  t.Add("delay_ms", &Options::delay_ms, "Time that encoding a clip takes.").Runtime();
  t.Add("log", &Options::log, "File that gets a line per clip begun; empty = none.").Runtime();
  return t;
}

class NoopTeacher : public Teacher {
 public:
  NoopTeacher(const Options& options, const PluginContext&) : options_(options) {}

  TeacherTraits traits() const override {
    TeacherTraits traits;
    traits.dim = 2;
    traits.patch = kPatch;
    return traits;
  }
  torch::Tensor Encode(const torch::Tensor& frames) override {
    if (!options_.log.empty()) std::ofstream(options_.log, std::ios::app) << "clip\n" << std::flush;
    std::this_thread::sleep_for(std::chrono::milliseconds(options_.delay_ms));
    const std::int64_t rows = frames.size(3) / kPatch, columns = frames.size(4) / kPatch;
    const auto patches = frames.select(2, 0).reshape(
        {frames.size(0), frames.size(1), rows, kPatch, columns, kPatch});
    const auto mean = patches.mean(at::IntArrayRef{3, 5}) * options_.gain;
    return torch::stack({mean, mean.square()}, -1);
  }

 private:
  Options options_;
};

}  // namespace

CROSS4D_PLUGIN(teacher,
               Teacher,
               "noop",
               "1.0.0",
               "Mean grey values, for tests.",
               "frame-tokens",
               "",
               NoopTeacher,
               DescribeOptions)
