// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.h"
#include "core/data/in_context.h"
#include "core/targets/projection.h"
#include "core/targets/rate.h"
#include "core/targets/readable.h"
#include "core/targets/rendered_clips.h"
#include "core/targets/stages.h"
#include "core/tensorio/torch_view.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <limits>
#include <string>

namespace cross4d::targets {
namespace {

using tensorio::DType;

constexpr float kLargestHalf = 65504;

std::string ClipName(const Dataset& dataset, const RenderedClips& source, std::int64_t i) {
  const auto index = static_cast<std::size_t>(source.clips()[static_cast<std::size_t>(i)]);
  return "clip " + dataset.clips()[index].id;
}

// Patch tokens of one clip [cameras, T', Gh, Gw, D], checked.
torch::Tensor Encode(Teacher& teacher, const TeacherTraits& traits, const torch::Tensor& frames) {
  const torch::Tensor tokens = teacher.Encode(frames);
  const std::int64_t grid_h = frames.size(3) / traits.patch, grid_w = frames.size(4) / traits.patch;
  const std::vector<std::int64_t> expected = {
      frames.size(0), frames.size(1) / traits.tubelet, grid_h, grid_w, traits.dim};
  if (!tokens.defined() || tokens.sizes() != expected || tokens.scalar_type() != torch::kFloat32) {
    std::string text = "teacher's Encode must return float32 of [";
    for (std::int64_t side : expected) text += std::to_string(side) + ", ";
    throw Error(ErrorCode::kPlugin, text.substr(0, text.size() - 2) + "]");
  }
  return tokens.to(torch::kCPU).contiguous();
}

Projection MakeProjection(Teacher& teacher,
                          const TeacherTraits& traits,
                          const protocol::TargetsOptions& options,
                          const Dataset& dataset,
                          const RenderedClips& source,
                          protocol::Reporter& reporter) {
  if (options.projection == "random") {
    return RandomProjection(
        traits.dim, options.dim, static_cast<std::uint64_t>(options.projection_seed));
  }
  PcaFit fit(traits.dim);
  const auto count = static_cast<std::int64_t>(source.clips().size());
  ClipRate rate("pca", count, reporter);
  for (std::int64_t i = 0; i < count; ++i) {
    protocol::ThrowIfStopped(reporter);
    const RenderedClip clip = source.Render(i);
    data::InContext(ClipName(dataset, source, i), [&] {
      fit.Add(Encode(teacher, traits, clip.frames).view({-1, traits.dim}));
    });
    rate.Done(i + 1);
  }
  return fit.Finish(options.dim);
}

void WriteInfo(const std::filesystem::path& out,
               const Dataset& dataset,
               const RenderedClips& source) {
  nlohmann::json ids = nlohmann::json::array();
  for (std::int64_t index : source.clips()) {
    ids.push_back(dataset.clips()[static_cast<std::size_t>(index)].id);
  }
  const nlohmann::json info = {{"tubelet", source.time().tubelet}, {"clips", ids}};
  base::WriteFileAtomically(out / kFeaturesInfo, info.dump(1) + "\n", false);
}

}  // namespace

void RunFeatures(const Dataset& whole,
                 Teacher& teacher,
                 const protocol::TargetsOptions& options,
                 const std::filesystem::path& out,
                 int threads,
                 protocol::Reporter& reporter) {
  const torch::NoGradGuard no_grad;
  const TeacherTraits traits = teacher.traits();
  const data::ReadableClips dataset = KeepReadable(whole, /*train_only=*/true, threads, reporter);
  const RenderedClips source(dataset, traits, options, threads);
  const auto count = static_cast<std::int64_t>(source.clips().size());
  if (teacher.needs_fit()) {
    reporter.Report({.phase = "fit teacher", .total = count});
    data::InContext("teacher's Fit", [&] { teacher.Fit(source); });
  }
  const Projection projection = MakeProjection(teacher, traits, options, dataset, source, reporter);

  const std::int64_t grid = source.grid(), cameras = options.cameras, dim = options.dim;
  const auto steps = static_cast<std::int64_t>(source.time().model_frames.size()) / traits.tubelet;
  const bool wide = grid * grid > std::numeric_limits<std::int16_t>::max();
  tensorio::SafetensorsWriter writer(
      out / kFeaturesFile,
      {{"tokens", DType::kF16, {count, cameras, steps, grid, grid, dim}},
       {"clip", DType::kF32, {count, dim}},
       {"patch",
        wide ? DType::kI32 : DType::kI16,
        {count, cameras, source.frames(), source.points()}}});
  std::int64_t seen = 0;
  ClipRate rate("features", count, reporter);
  for (std::int64_t i = 0; i < count; ++i) {
    protocol::ThrowIfStopped(reporter);
    const RenderedClip clip = source.Render(i);
    const torch::Tensor values = data::InContext(ClipName(dataset, source, i), [&] {
      const torch::Tensor tokens = Encode(teacher, traits, clip.frames);
      torch::Tensor projected = projection.Apply(tokens.view({-1, traits.dim}));
      // Also false for NaN.
      if (!(projected.abs().max().item<float>() <= kLargestHalf)) {
        throw Error(ErrorCode::kPlugin,
                    "projected teacher features do not fit FP16 (NaN or above 65504)");
      }
      return projected;
    });
    writer.WriteRow("tokens", i, tensorio::BytesOf(values.to(torch::kFloat16)));
    writer.WriteRow("clip", i, tensorio::BytesOf(values.mean(0)));
    writer.WriteRow(
        "patch", i, tensorio::BytesOf(wide ? clip.patch : clip.patch.to(torch::kInt16)));
    seen += clip.seen_points;
    rate.Done(i + 1);
  }
  writer.Finish();
  WriteInfo(out, dataset, source);
  const auto all = static_cast<double>(count * source.frames() * source.points());
  reporter.Metric("coverage", -1, static_cast<double>(seen) / all);
}

}  // namespace cross4d::targets
