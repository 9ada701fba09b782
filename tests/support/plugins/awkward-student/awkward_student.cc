// SPDX-License-Identifier: Apache-2.0
// Student `awkward`: it has the tags that objectives ask for, and tokens that some cannot use.
#include <cross4d/sdk/plugin.h>
#include <cross4d/sdk/student.h>

#include <string>

namespace {

using namespace cross4d;

struct Options {
  std::string tokens = "even";
};

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("tokens", &Options::tokens, "Four a frame, one more in the first, one a frame, or cached.")
      .Choices({"even", "uneven", "single", "coordinates"})
      .Tokenizer();
  return t;
}

class AwkwardStudent : public Student {
 public:
  AwkwardStudent(const Options& options, const PluginContext&) : options_(options) {
    scale_ = register_parameter("scale", torch::rand({1}) + 0.5);
  }

  TokenGeometry Tokenize(const torch::Tensor& points) const override {
    const std::int64_t frames = points.size(0), each = options_.tokens == "single" ? 1 : 4;
    torch::Tensor slots = torch::arange(each).repeat({frames});
    torch::Tensor times = torch::arange(frames).repeat_interleave(each);
    if (options_.tokens == "uneven") {
      slots = torch::cat({torch::zeros({1}, torch::kLong), slots});
      times = torch::cat({torch::zeros({1}, torch::kLong), times});
    }
    TokenGeometry geometry;
    geometry.centres =
        points.flatten(0, 1).index_select(0, times * points.size(1) + slots).contiguous();
    geometry.frames = times.contiguous();
    geometry.nearest = slots.contiguous();
    if (options_.tokens == "coordinates") geometry.extra["places"] = geometry.centres.clone();
    return geometry;
  }
  StudentOutput Forward(const StudentInput& input) override {
    return {Encode(Embed(input), input.centres, input.frames), input.centres, input.frames};
  }
  torch::Tensor Embed(const StudentInput& input) override { return input.centres * scale_; }
  torch::Tensor Encode(const torch::Tensor& tokens,
                       const torch::Tensor&,
                       const torch::Tensor&) override {
    return tokens + tokens.mean(1, true);
  }
  std::int64_t dim() const override { return 3; }

 private:
  Options options_;
  torch::Tensor scale_;
};

}  // namespace

CROSS4D_PLUGIN(student,
               Student,
               "awkward",
               "1.0.0",
               "Tokens that some objectives cannot use, for tests.",
               "tokens,maskable",
               "",
               AwkwardStudent,
               DescribeOptions)
