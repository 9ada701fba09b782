// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/zip_archive.h"
#include "core/vit/config_file.h"
#include "core/vit/vit_teacher.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>
#include <cross4d/sdk/random.h>
#include <cross4d/sdk/teacher.h>

#include <torch/script.h>

#include <cstdio>
#include <filesystem>
#include <sstream>

namespace {

using namespace cross4d;

struct Options {
  std::string weights;
  std::string model;
  std::int64_t batch = 8;
};

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> table;
  table
      .Add("weights",
           &Options::weights,
           "TorchScript module (.pt); NAME.json beside NAME.pt describes it. It is a program: only "
           "use files you trust.")
      .Location()
      .Required();
  table.Add("model",
            &Options::model,
            "Your name for this module: the path is not part of the key, so a grid over several "
            "modules needs one each.");
  table
      .Add("batch",
           &Options::batch,
           "Most images (clips, for video models) in one forward pass; limits memory.")
      .Range(1, 4096)
      .Runtime();
  return table;
}

// What NAME.json says.
struct Description {
  TeacherTraits traits;
  std::int64_t height = 0, width = 0;  // 0 = any multiple of the patch
  bool video = false;                  // takes [B, T, 3, H, W]
};

Description ReadDescription(std::filesystem::path module) {
  const vit::ConfigFile file = vit::ConfigFile::Read(module.replace_extension(".json"));
  Description d;
  d.traits.dim = file.Size("dim");
  d.traits.patch = file.Size("patch");
  d.traits.tubelet = file.Size("tubelet", 1);
  d.traits.frames = file.Count("frames", 0);
  d.video = d.traits.tubelet > 1 || d.traits.frames > 0;
  const std::vector<double> mean = file.Reals("mean", 3), std = file.Reals("std", 3);
  std::copy(mean.begin(), mean.end(), d.traits.mean.begin());
  std::copy(std.begin(), std.end(), d.traits.std.begin());
  for (const double s : std) {
    if (!(s > 0)) file.Fail("std", "has a value that is not positive");
  }
  if (file.Has("size")) {
    const std::vector<std::int64_t> size = file.SizePair("size", 0);
    d.height = size[0];
    d.width = size[1];
  }
  return d;
}

// Changes with any member of the module's zip file.
std::string FingerprintOf(const std::string& path) {
  std::uint64_t hash = 0;
  const auto archive = tensorio::ZipArchive::Open(path);
  for (const auto& member : archive->members()) {
    hash = MixSeed({hash, HashText(member.name), member.bytes, member.crc});
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

class TorchScript : public Teacher {
 public:
  TorchScript(const Options& options, const PluginContext& context)
      : path_(options.weights),
        batch_(options.batch),
        device_(vit::PlacementOf({}, context).device),
        description_(ReadDescription(path_)),
        fingerprint_(FingerprintOf(path_)) {
    try {
      module_ = torch::jit::load(path_, device_);
      module_.eval();
    } catch (const c10::Error& e) {
      FailInput(path_ + ": is not a TorchScript module: " + e.what_without_backtrace());
    }
  }

  TeacherTraits traits() const override { return description_.traits; }
  std::string Fingerprint() const override { return fingerprint_; }

  torch::Tensor Encode(const torch::Tensor& frames) override {
    const at::NoGradGuard no_grad;
    CheckSize(frames);
    const Description& d = description_;
    const std::int64_t time = frames.size(1);
    // Images go in one by one: [B * T, 3, H, W].
    const at::Tensor all = d.video ? frames : frames.flatten(0, 1);
    const std::int64_t rows = frames.size(3) / d.traits.patch;
    const std::int64_t columns = frames.size(4) / d.traits.patch;
    const std::int64_t tubes = d.video ? time / d.traits.tubelet : 1;
    std::vector<at::Tensor> parts;
    for (std::int64_t begin = 0; begin < all.size(0); begin += batch_) {
      const std::int64_t count = std::min(batch_, all.size(0) - begin);
      const at::Tensor out = Run(all.narrow(0, begin, count));
      const std::int64_t tokens = tubes * rows * columns;
      if (out.numel() != count * tokens * d.traits.dim || out.size(-1) != d.traits.dim) {
        std::ostringstream found;
        found << out.sizes();
        FailInput(path_ + ": returned a tensor of shape " + found.str() + ", expected " +
                  std::to_string(count) + " x " + std::to_string(tokens) + " patch tokens of " +
                  std::to_string(d.traits.dim) + " channels, channels last");
      }
      parts.push_back(out.reshape({count, tubes, rows, columns, d.traits.dim}));
    }
    return at::cat(parts).view(
        {frames.size(0), d.video ? tubes : time, rows, columns, d.traits.dim});
  }

 private:
  void CheckSize(const at::Tensor& frames) const {
    const Description& d = description_;
    const auto fail = [&](const std::string& what) { FailInput(path_ + ": " + what); };
    const bool size_fits =
        d.height == 0 || (frames.size(3) == d.height && frames.size(4) == d.width);
    if (!size_fits) {
      fail("takes images of " + std::to_string(d.height) + " x " + std::to_string(d.width) +
           " pixels only, got " + std::to_string(frames.size(3)) + " x " +
           std::to_string(frames.size(4)));
    }
    if (d.traits.frames != 0 && frames.size(1) != d.traits.frames) {
      fail("takes clips of " + std::to_string(d.traits.frames) + " frames only, got " +
           std::to_string(frames.size(1)));
    }
  }

  at::Tensor Run(const at::Tensor& input) {
    const torch::jit::IValue value = Forward(input);
    if (!value.isTensor()) FailInput(path_ + ": its forward returns no tensor");
    return value.toTensor().to(at::kCPU, at::kFloat).contiguous();
  }

  torch::jit::IValue Forward(const at::Tensor& input) {
    try {
      return module_.forward({input.to(device_)});
    } catch (const c10::Error& e) {
      FailInput(path_ + ": its forward failed: " + e.what_without_backtrace());
    } catch (const std::exception& e) {  // the interpreter's own errors
      FailInput(path_ + ": its forward failed: " + e.what());
    }
  }

  std::string path_;
  std::int64_t batch_;
  at::Device device_;
  Description description_;
  std::string fingerprint_;
  torch::jit::Module module_;
};

}  // namespace

CROSS4D_PLUGIN(teacher,
               Teacher,
               "torchscript",
               "1.0.0",
               "Any exported image or video model (TorchScript).",
               "frame-tokens",
               "",
               TorchScript,
               DescribeOptions)
