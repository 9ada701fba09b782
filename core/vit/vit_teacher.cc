// SPDX-License-Identifier: Apache-2.0
#include "core/vit/vit_teacher.h"

#include "core/vit/config_file.h"
#include "core/vit/memory.h"

#include <cross4d/sdk/error.h>

#include <ATen/Parallel.h>

#include <algorithm>
#include <future>
#include <utility>
#include <vector>

namespace cross4d::vit {
namespace {

constexpr std::int64_t kMostClips = 64;  // more at once are not faster
constexpr double kGpuBytes = 4e9;        // a GPU's memory cannot be asked for without its libraries

}  // namespace

Normalisation ReadNormalisation(const std::filesystem::path& folder) {
  Normalisation result;
  const std::filesystem::path file = folder / "preprocessor_config.json";
  if (!std::filesystem::exists(file)) return result;
  const ConfigFile config = ConfigFile::Read(file);
  for (auto& [key, values] : {std::pair("image_mean", &result.mean), {"image_std", &result.std}}) {
    if (!config.Has(key)) continue;
    const std::vector<double> numbers = config.Reals(key, 3);
    std::copy(numbers.begin(), numbers.end(), values->begin());
  }
  for (const double s : result.std) {
    if (!(s > 0)) config.Fail("image_std", "has a value that is not positive");
  }
  return result;
}

Placement PlacementOf(const TeacherOptions& options, const PluginContext& context) {
  Placement placement;
  placement.dtype = options.dtype == "bf16" ? at::kBFloat16 : at::kFloat;
  try {
    placement.device = at::Device(context.device);
  } catch (const c10::Error& e) {
    FailInput("device '" + context.device + "' is not known: " + e.what_without_backtrace());
  }
  return placement;
}

VitTeacher::VitTeacher(VisionTransformer model,
                       const Normalisation& normalisation,
                       double memory_gb,
                       std::string fingerprint,
                       int threads)
    : model_(std::move(model)),
      normalisation_(normalisation),
      memory_gb_(memory_gb),
      fingerprint_(std::move(fingerprint)),
      threads_(threads) {}

TeacherTraits VitTeacher::traits() const {
  const Architecture& arch = model_.architecture();
  TeacherTraits traits;
  traits.dim = arch.dim;
  traits.patch = arch.patch;
  traits.tubelet = arch.tubelet;
  traits.frames = arch.frames;
  traits.mean = normalisation_.mean;
  traits.std = normalisation_.std;
  return traits;
}

std::int64_t VitTeacher::ChunkOf(const at::Tensor& frames) const {
  const VisionTransformer::Memory memory = model_.MemoryOf(frames);
  const auto need = [&](std::int64_t clips) {
    const std::int64_t lanes = Lanes(clips);
    return static_cast<double>(lanes * memory.Of((clips + lanes - 1) / lanes));
  };
  if (memory_gb_ > 0 && need(1) > memory_gb_ * 1e9) {
    FailInput("one clip needs about " + std::to_string(need(1) / 1e9) +
              " GB beside the weights, memory_gb allows " + std::to_string(memory_gb_) +
              ": raise it, or render smaller images or fewer frames");
  }
  const double free = model_.device().is_cpu() ? static_cast<double>(FreeMemory()) / 2 : kGpuBytes;
  const double limit = memory_gb_ > 0 ? memory_gb_ * 1e9 : free;
  std::int64_t chunk = 1;
  while (chunk < std::min(frames.size(0), kMostClips) && need(chunk + 1) <= limit) ++chunk;
  return chunk;
}

std::int64_t VitTeacher::Lanes(std::int64_t clips) const {
  if (!model_.device().is_cpu()) return 1;
  return std::clamp<std::int64_t>(threads_ / at::get_num_threads(), 1, clips);
}

at::Tensor VitTeacher::SideBySide(const at::Tensor& frames, Part part) const {
  const std::int64_t lanes = Lanes(frames.size(0));
  if (lanes == 1) return part(model_.Forward(frames)).to(at::kCPU);
  model_.PreparePositions(frames);
  std::vector<std::future<at::Tensor>> running;
  for (const at::Tensor& some : frames.split((frames.size(0) + lanes - 1) / lanes)) {
    running.push_back(std::async(std::launch::async, [this, part, some] {
      const at::NoGradGuard no_grad;
      return part(model_.Forward(some));
    }));
  }
  std::vector<at::Tensor> parts;
  for (auto& one : running) parts.push_back(one.get());
  return at::cat(parts);
}

at::Tensor VitTeacher::InChunks(const at::Tensor& frames, Part part) const {
  const bool images = model_.architecture().tubelet == 1;
  // Every frame of an image model is a clip of one frame, so that chunks may cut a clip.
  const at::Tensor all = images && frames.dim() == 5 ? frames.flatten(0, 1).unsqueeze(1) : frames;
  if (all.dim() == 0 || all.size(0) == 0) FailInput("a ViT teacher got an empty batch");
  const std::int64_t chunk = ChunkOf(all);
  at::Tensor result;
  for (std::int64_t begin = 0; begin < all.size(0); begin += chunk) {
    const std::int64_t count = std::min(chunk, all.size(0) - begin);
    const at::Tensor out = SideBySide(all.narrow(0, begin, count), part);
    if (count == all.size(0)) return out.contiguous();
    if (!result.defined()) {
      std::vector<std::int64_t> shape = out.sizes().vec();
      shape[0] = all.size(0);
      result = at::empty(shape, out.options());
    }
    result.narrow(0, begin, count).copy_(out);
  }
  return result;
}

torch::Tensor VitTeacher::Encode(const torch::Tensor& frames) {
  const at::Tensor tokens =
      InChunks(frames, [](const Tokens& t) { return t.patches(); });  // [B', T', rows, columns, D]
  if (model_.architecture().tubelet != 1) return tokens;
  return tokens.view({frames.size(0), frames.size(1), tokens.size(2), tokens.size(3), -1});
}

torch::Tensor VitTeacher::EncodeHidden(const torch::Tensor& frames) {
  return InChunks(frames, [](const Tokens& t) { return t.hidden; });
}

}  // namespace cross4d::vit
