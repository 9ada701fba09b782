// SPDX-License-Identifier: Apache-2.0
#include "core/data/clip_table.h"
#include "core/data/in_context.h"
#include "core/data/sources.h"
#include "core/geometry/parallel.h"
#include "core/targets/rate.h"
#include "core/targets/readable.h"
#include "core/targets/stages.h"
#include "core/tensorio/torch_view.h"

#include <cross4d/sdk/error.h>

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cross4d::targets {
namespace {

using tensorio::DType;

constexpr std::int64_t kInt16Max = std::numeric_limits<std::int16_t>::max();
constexpr std::int64_t kInt32Max = std::numeric_limits<std::int32_t>::max();

struct ClipTokens {
  torch::Tensor points;
  TokenGeometry geometry;
};

[[noreturn]] void Broken(const std::string& what) {
  throw Error(ErrorCode::kPlugin, "student's Tokenize: " + what);
}

void Check(const torch::Tensor& t, const char* name, torch::ScalarType type, std::int64_t dims) {
  if (!t.defined() || t.scalar_type() != type || t.dim() != dims || !t.is_contiguous()) {
    Broken(std::string(name) + " must be a contiguous " + std::to_string(dims) + "-d " +
           torch::toString(type) + " tensor");
  }
}

void CheckRange(const torch::Tensor& t, const char* name, std::int64_t end) {
  if (t.min().item<std::int64_t>() < 0 || t.max().item<std::int64_t>() >= end) {
    Broken(std::string(name) + " must lie in 0 to " + std::to_string(end - 1));
  }
}

ClipTokens Compute(const Dataset& dataset,
                   const Student& student,
                   std::int64_t index,
                   std::int64_t frames,
                   std::int64_t points) {
  ClipTokens clip;
  clip.points = data::LoadClip(dataset, index, frames, points).points;
  const std::string where = "clip " + dataset.clips()[static_cast<std::size_t>(index)].id;
  data::InContext(where, [&] {
    clip.geometry = student.Tokenize(clip.points);
    const TokenGeometry& g = clip.geometry;
    Check(g.centres, "centres", torch::kFloat32, 2);
    Check(g.frames, "frames", torch::kInt64, 1);
    Check(g.nearest, "nearest", torch::kInt64, 1);
    const std::int64_t tokens = g.frames.numel();
    if (tokens == 0 || g.centres.size(0) != tokens || g.nearest.numel() != tokens) {
      Broken("centres, frames and nearest must have the same number of tokens, at least one");
    }
    CheckRange(g.frames, "frames", clip.points.size(0));
    CheckRange(g.nearest, "nearest", clip.points.size(1));
  });
  return clip;
}

// Stored narrower: an index almost never needs 64 bits.
DType StoredType(const torch::Tensor& extra) {
  const DType type = tensorio::FromScalarType(extra.scalar_type());
  return type == DType::kI64 ? DType::kI32 : type;
}

torch::Tensor Narrow(const torch::Tensor& t, DType type, const std::string& name) {
  const torch::Tensor value = t.contiguous();
  if (tensorio::ToScalarType(type) == value.scalar_type()) return value;
  if (value.numel() > 0 && value.abs().max().item<std::int64_t>() > kInt32Max) {
    Broken(name + " holds a number beyond 32 bits");
  }
  return value.to(tensorio::ToScalarType(type));
}

class TokensWriter {
 public:
  TokensWriter(const std::filesystem::path& out, std::int64_t clips, const ClipTokens& first)
      : nearest_type_(first.points.size(1) > kInt16Max ? DType::kI32 : DType::kI16),
        points_shape_(first.points.sizes().vec()),
        tokens_(first.geometry.frames.numel()) {
    const std::int64_t t = points_shape_[0], n = points_shape_[1];
    if (t > kInt16Max) FailInput("clips of " + std::to_string(t) + " frames; at most 32767 fit");
    std::vector<tensorio::TensorDecl> decls = {{"points", DType::kF32, {clips, t, n, 3}},
                                               {"centres", DType::kF32, {clips, tokens_, 3}},
                                               {"frames", DType::kI16, {clips, tokens_}},
                                               {"nearest", nearest_type_, {clips, tokens_}}};
    std::map<std::string, std::string> metadata;
    for (const auto& [name, value] : first.geometry.extra) {
      std::vector<std::int64_t> shape = value.sizes().vec();
      extra_[name] = {StoredType(value), shape};
      if (value.scalar_type() == torch::kInt64) metadata["int64:extra." + name] = "1";
      shape.insert(shape.begin(), clips);
      decls.push_back({"extra." + name, StoredType(value), shape});
    }
    writer_.emplace(out / data::kTokensFile, std::move(decls), std::move(metadata));
  }

  // Thread-safe for different rows.
  void Write(std::int64_t row, const ClipTokens& clip) {
    const TokenGeometry& g = clip.geometry;
    if (g.frames.numel() != tokens_ || g.extra.size() != extra_.size()) {
      Broken("clips of one shape must give the same number of tokens and the same extra tensors");
    }
    Put("points", row, clip.points);
    Put("centres", row, g.centres);
    Put("frames", row, g.frames.to(torch::kInt16));
    Put("nearest", row, g.nearest.to(tensorio::ToScalarType(nearest_type_)));
    for (const auto& [name, value] : g.extra) {
      const auto known = extra_.find(name);
      if (known == extra_.end() || known->second.shape != value.sizes().vec() ||
          known->second.type != StoredType(value)) {
        Broken("extra tensor '" + name + "' differs between clips in shape or type");
      }
      Put("extra." + name, row, Narrow(value, known->second.type, name));
    }
  }
  void Finish() { writer_->Finish(); }
  std::int64_t tokens() const { return tokens_; }

 private:
  struct Extra {
    DType type;
    std::vector<std::int64_t> shape;
  };
  void Put(const std::string& name, std::int64_t row, const torch::Tensor& value) {
    writer_->WriteRow(name, row, tensorio::BytesOf(value));
  }

  DType nearest_type_;
  std::vector<std::int64_t> points_shape_;
  std::int64_t tokens_;
  std::map<std::string, Extra> extra_;
  std::optional<tensorio::SafetensorsWriter> writer_;
};

data::ClipTable TableOf(const Dataset& dataset) {
  data::ClipTable table;
  table.classes = dataset.class_names();
  for (const ClipInfo& c : dataset.clips()) {
    table.clips.push_back({c.id, c.video, c.label, c.subject, c.split == Split::kTrain});
  }
  return table;
}

}  // namespace

void RunTokens(const Dataset& whole,
               const Student& student,
               const std::filesystem::path& out,
               int threads,
               protocol::Reporter& reporter) {
  const data::ReadableClips dataset = KeepReadable(whole, /*train_only=*/false, threads, reporter);
  data::ClipTable table = TableOf(dataset);
  const auto count = static_cast<std::int64_t>(table.clips.size());
  if (count == 0) FailInput("the data set has no clips");
  const ClipTokens first = Compute(dataset, student, 0, 0, 0);
  table.frames = first.points.size(0);
  table.points = first.points.size(1);
  TokensWriter writer(out, count, first);
  table.tokens = writer.tokens();
  writer.Write(0, first);

  ClipRate rate("tokenize", count, reporter);
  const std::int64_t chunk = 8 * std::max(threads, 1);
  for (std::int64_t begin = 1; begin < count; begin += chunk) {
    protocol::ThrowIfStopped(reporter);
    geometry::ForEach(std::min(chunk, count - begin), threads, [&](std::int64_t i) {
      const torch::NoGradGuard no_grad;
      writer.Write(begin + i, Compute(dataset, student, begin + i, table.frames, table.points));
    });
    rate.Done(std::min(begin + chunk, count));
  }
  writer.Finish();
  data::WriteClipTable(out, table);
  reporter.Metric("clips", -1, static_cast<double>(count));
  reporter.Metric("tokens", -1, static_cast<double>(table.tokens));
}

}  // namespace cross4d::targets
