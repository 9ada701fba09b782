// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/data/in_context.h"
#include "core/data/row_file.h"
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

std::vector<std::string> Ids(const Dataset& dataset, const RenderedClips& source) {
  std::vector<std::string> ids;
  for (std::int64_t index : source.clips()) {
    ids.push_back(dataset.clips()[static_cast<std::size_t>(index)].id);
  }
  return ids;
}

// What the bytes of features depend on, to be continued only under the same.
std::string Identity(const Checkpoint& checkpoint,
                     const TeacherTraits& traits,
                     const Dataset& dataset,
                     const RenderedClips& source,
                     const Projection& projection) {
  base::Sha256 numbers;
  for (const torch::Tensor& t : {projection.matrix, projection.mean}) {
    if (t.defined()) numbers.Update(t.const_data_ptr(), t.nbytes());
  }
  return nlohmann::json{{"stage", checkpoint.identity},
                        {"clips", Ids(dataset, source)},
                        {"teacher", {traits.dim, traits.patch, traits.tubelet, traits.frames}},
                        {"normalisation", {traits.mean, traits.std}},
                        {"projection", numbers.Finish()}}
      .dump();
}

class FeaturesStage {
 public:
  FeaturesStage(const Dataset& dataset,
                Teacher& teacher,
                const protocol::TargetsOptions& options,
                const Checkpoint& checkpoint,
                int threads,
                protocol::Reporter& reporter)
      : dataset_(dataset),
        teacher_(teacher),
        traits_(teacher.traits()),
        options_(options),
        checkpoint_(checkpoint),
        reporter_(reporter),
        source_(dataset, traits_, options, threads),
        count_(static_cast<std::int64_t>(source_.clips().size())),
        wide_(source_.grid() * source_.grid() > std::numeric_limits<std::int16_t>::max()) {
    base::MakeFolders(checkpoint.folder);
  }

  void Run(const std::filesystem::path& out) {
    if (teacher_.needs_fit()) {
      reporter_.Report({.phase = "fit teacher", .total = count_});
      data::InContext("teacher's Fit", [&] { teacher_.Fit(source_); });
    }
    const Projection projection = MakeProjection();
    data::RowFile rows(
        Setup(Identity(checkpoint_, traits_, dataset_, source_, projection)),
        [this, rate = ClipRate("verify", count_, reporter_)](std::int64_t clips) mutable {
          protocol::ThrowIfStopped(reporter_);
          rate.Done(clips);
        });
    std::int64_t done = rows.finished();
    LogContinued("features", done);
    ClipRate rate("features", count_, reporter_, done);
    for (std::int64_t i = 0; i < count_; ++i) {
      if (rows.Has(i)) continue;
      protocol::ThrowIfStopped(reporter_);
      WriteClip(i, projection, rows);
      rate.Done(++done);
    }
    rows.Finish(out / kFeaturesFile);
    WriteInfo(out);
    std::int64_t seen = 0;
    for (std::int64_t i = 0; i < count_; ++i) seen += std::stoll(rows.Note(i));
    const auto all = static_cast<double>(count_ * source_.frames() * source_.points());
    reporter_.Metric("coverage", -1, static_cast<double>(seen) / all);
  }

 private:
  std::string ClipName(std::int64_t i) const {
    const auto index = static_cast<std::size_t>(source_.clips()[static_cast<std::size_t>(i)]);
    return "clip " + dataset_.clips()[index].id;
  }

  void LogContinued(const std::string& phase, std::int64_t done) {
    if (done == 0) return;
    reporter_.Log(phase + " continue after " + std::to_string(done) + " of " +
                  std::to_string(count_) + " clips");
  }

  data::RowFile::Setup Setup(const std::string& identity) const {
    const std::int64_t grid = source_.grid(), cameras = options_.cameras;
    const auto steps =
        static_cast<std::int64_t>(source_.time().model_frames.size()) / traits_.tubelet;
    return {.folder = checkpoint_.folder,
            .name = kFeaturesFile,
            .tensors = {{"tokens", DType::kF16, {count_, cameras, steps, grid, grid, options_.dim}},
                        {"clip", DType::kF32, {count_, options_.dim}},
                        {"patch",
                         wide_ ? DType::kI32 : DType::kI16,
                         {count_, cameras, source_.frames(), source_.points()}}},
            .metadata = {},
            .identity = identity};
  }

  Projection MakeProjection() {
    if (options_.projection == "random") {
      return RandomProjection(
          traits_.dim, options_.dim, static_cast<std::uint64_t>(options_.projection_seed));
    }
    const std::filesystem::path sums = checkpoint_.folder / "pca.safetensors";
    const std::string identity = Identity(checkpoint_, traits_, dataset_, source_, {});
    PcaFit fit(traits_.dim);
    fit.Load(sums, identity);
    LogContinued("sums for the PCA", fit.clips());
    ClipRate rate("pca", count_, reporter_, fit.clips());
    while (fit.clips() < count_) {
      protocol::ThrowIfStopped(reporter_);
      const std::int64_t i = fit.clips();
      const RenderedClip clip = source_.Render(i);
      data::InContext(ClipName(i), [&] {
        fit.Add(Encode(teacher_, traits_, clip.frames).view({-1, traits_.dim}));
      });
      fit.Save(sums, identity);
      rate.Done(i + 1);
    }
    return fit.Finish(options_.dim);
  }

  void WriteClip(std::int64_t i, const Projection& projection, data::RowFile& rows) {
    const RenderedClip clip = source_.Render(i);
    const torch::Tensor values = data::InContext(ClipName(i), [&] {
      const torch::Tensor tokens = Encode(teacher_, traits_, clip.frames);
      torch::Tensor projected = projection.Apply(tokens.view({-1, traits_.dim}));
      // Also false for NaN.
      if (!(projected.abs().max().item<float>() <= kLargestHalf)) {
        throw Error(ErrorCode::kPlugin,
                    "projected teacher features do not fit FP16 (NaN or above 65504)");
      }
      return projected;
    });
    const torch::Tensor half = values.to(torch::kFloat16), mean = values.mean(0);
    const torch::Tensor patch = wide_ ? clip.patch : clip.patch.to(torch::kInt16);
    rows.Write(i,
               {{"tokens", tensorio::BytesOf(half)},
                {"clip", tensorio::BytesOf(mean)},
                {"patch", tensorio::BytesOf(patch)}},
               std::to_string(clip.seen_points));
  }

  void WriteInfo(const std::filesystem::path& out) const {
    const nlohmann::json info = {{"tubelet", source_.time().tubelet},
                                 {"clips", Ids(dataset_, source_)}};
    base::WriteFileAtomically(out / kFeaturesInfo, info.dump(1) + "\n", false);
  }

  const Dataset& dataset_;
  Teacher& teacher_;
  TeacherTraits traits_;
  const protocol::TargetsOptions& options_;
  const Checkpoint& checkpoint_;
  protocol::Reporter& reporter_;
  RenderedClips source_;
  std::int64_t count_;
  bool wide_;  // patch indices do not fit 16 bits
};

}  // namespace

void RunFeatures(const Dataset& whole,
                 Teacher& teacher,
                 const protocol::TargetsOptions& options,
                 const std::filesystem::path& out,
                 const Checkpoint& checkpoint,
                 int threads,
                 protocol::Reporter& reporter) {
  const torch::NoGradGuard no_grad;
  const data::ReadableClips dataset = KeepReadable(whole, /*train_only=*/true, threads, reporter);
  FeaturesStage(dataset, teacher, options, checkpoint, threads, reporter).Run(out);
}

}  // namespace cross4d::targets
