// SPDX-License-Identifier: Apache-2.0
// Data set `noop`: a handful of tiny random clips, so that a run costs next to nothing. Option
// `fault` says how it breaks.
#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>
#include <cross4d/sdk/random.h>

#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace cross4d;

struct Options {
  std::string root;
  std::int64_t clips = 8;
  std::int64_t frames = 2;
  std::int64_t points = 8;
  std::int64_t seed = 0;
  std::string fault = "none";
};

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("root", &Options::root, "A file; its text is the fingerprint. Empty: none.").Location();
  t.Add("clips", &Options::clips, "Number of clips; the second half tests.").Range(4, 1000000);
  t.Add("frames", &Options::frames, "Frames per clip.").Range(1, 64);
  t.Add("points", &Options::points, "Points per frame.").Range(1, 4096);
  t.Add("seed", &Options::seed, "Seed of the points.").AtLeast(0);
  t.Add("fault", &Options::fault, "What breaks: creation, or reading of the second clip.")
      .Choices({"none", "create", "error", "throw", "segfault", "sleep"});
  return t;
}

class NoopDataset : public Dataset {
 public:
  NoopDataset(const Options& options, const PluginContext&) : options_(options) {
    if (options_.fault == "create")
      throw std::runtime_error("noop data set: told to fail at creation");
    for (std::int64_t i = 0; i < options_.clips; ++i) {
      ClipInfo info;
      info.id = info.video = "clip" + std::to_string(i);
      info.label = i % 2;
      info.split = i < options_.clips / 2 ? Split::kTrain : Split::kTest;
      clips_.push_back(info);
    }
  }

  const std::vector<ClipInfo>& clips() const override { return clips_; }
  Clip Load(std::int64_t index) const override {
    if (index == 1) Break();
    Clip clip;
    clip.points = torch::empty({options_.frames, options_.points, 3}, torch::kFloat32);
    RandomStream random(
        MixSeed({static_cast<std::uint64_t>(options_.seed), static_cast<std::uint64_t>(index)}));
    auto* value = clip.points.data_ptr<float>();
    for (std::int64_t i = 0; i < clip.points.numel(); ++i) {
      value[i] = static_cast<float>(random.Normal() + static_cast<double>(index % 2));
    }
    return clip;
  }
  std::string Fingerprint() const override {
    std::string text;
    if (!options_.root.empty()) std::getline(std::ifstream(options_.root), text);
    return text;
  }
  Viewpoint viewpoint() const override { return {}; }
  std::vector<std::string> class_names() const override { return {"near", "far"}; }

 private:
  void Break() const {
    if (options_.fault == "error") FailInput("noop data set: clip1 is unreadable");
    if (options_.fault == "throw") throw std::runtime_error("noop data set: thrown while reading");
    if (options_.fault == "segfault") {
      std::signal(SIGSEGV, SIG_DFL);  // not AddressSanitizer's
      std::raise(SIGSEGV);
    }
    if (options_.fault == "sleep") sleep(600);
  }

  Options options_;
  std::vector<ClipInfo> clips_;
};

}  // namespace

CROSS4D_PLUGIN(dataset,
               Dataset,
               "noop",
               "1.0.0",
               "Tiny random clips, for tests.",
               "",
               "",
               NoopDataset,
               DescribeOptions)
