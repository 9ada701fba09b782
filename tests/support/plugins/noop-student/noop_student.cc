// SPDX-License-Identifier: Apache-2.0
// Student `noop`: one token per frame and a single parameter. Option `fault` says how it breaks.
#include <cross4d/sdk/plugin.h>
#include <cross4d/sdk/student.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <string>

namespace {

using namespace cross4d;

struct Options {
  std::int64_t slot = 0;
  std::string fault = "none";
};

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("slot", &Options::slot, "Point of each frame that becomes its token.")
      .Range(0, 1e6)
      .Tokenizer();
  t.Add("fault", &Options::fault, "What happens in the forward pass.")
      .Choices({"none", "throw", "segfault"});
  return t;
}

class NoopStudent : public Student {
 public:
  NoopStudent(const Options& options, const PluginContext&) : options_(options) {
    scale_ = register_parameter("scale", torch::rand({1}) + 0.5);
  }

  TokenGeometry Tokenize(const torch::Tensor& points) const override {
    const std::int64_t slot = std::min(options_.slot, points.size(1) - 1);
    TokenGeometry geometry;
    geometry.centres = points.select(1, slot).contiguous();
    geometry.frames = torch::arange(points.size(0), torch::kInt64);
    geometry.nearest = torch::full({points.size(0)}, slot, torch::kInt64);
    return geometry;
  }
  StudentOutput Forward(const StudentInput& input) override {
    if (options_.fault == "throw")
      throw std::runtime_error("noop student: thrown in the forward pass");
    if (options_.fault == "segfault") {
      std::signal(SIGSEGV, SIG_DFL);  // not AddressSanitizer's
      std::raise(SIGSEGV);
    }
    return {input.centres * scale_, input.centres, input.frames};
  }
  std::int64_t dim() const override { return 3; }

 private:
  Options options_;
  torch::Tensor scale_;
};

}  // namespace

CROSS4D_PLUGIN(student,
               Student,
               "noop",
               "1.0.0",
               "One parameter, for tests.",
               "tokens",
               "",
               NoopStudent,
               DescribeOptions)
