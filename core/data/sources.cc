// SPDX-License-Identifier: Apache-2.0
#include "core/data/sources.h"

#include "core/base/seed.h"
#include "core/data/in_context.h"
#include "core/tensorio/torch_view.h"

#include <cross4d/sdk/error.h>

#include <bit>
#include <cstring>
#include <utility>

namespace cross4d::data {
namespace {

std::string ShapeText(const torch::Tensor& t) {
  std::string text = "[";
  for (std::int64_t i = 0; i < t.dim(); ++i) text += (i ? ", " : "") + std::to_string(t.size(i));
  return text + "] " + torch::toString(t.scalar_type());
}

constexpr std::string_view kExtra = "extra.";

// torch::isfinite takes ten times as long as to copy the clip.
bool AllFinite(const torch::Tensor& points) {
  constexpr std::uint32_t kExponent = 0x7f800000;
  const auto* values = points.const_data_ptr<float>();
  std::uint32_t bad = 0;
  for (std::int64_t i = 0; i < points.numel(); ++i) {
    bad |= (std::bit_cast<std::uint32_t>(values[i]) & kExponent) == kExponent ? 1U : 0U;
  }
  return bad == 0;
}

}  // namespace

Clip LoadClip(const Dataset& dataset,
              std::int64_t index,
              std::int64_t frames,
              std::int64_t points) {
  const std::string where = "clip " + dataset.clips().at(static_cast<std::size_t>(index)).id;
  Clip clip = InContext(where, [&] { return dataset.Load(index); });
  const torch::Tensor& p = clip.points;
  const bool shaped = p.defined() && p.dim() == 3 && p.size(2) == 3 && p.numel() > 0 &&
                      p.scalar_type() == torch::kFloat32 && p.device().is_cpu();
  if (!shaped || (frames != 0 && (p.size(0) != frames || p.size(1) != points))) {
    const std::string expected =
        frames == 0 ? "[T, N, 3] Float"
                    : "[" + std::to_string(frames) + ", " + std::to_string(points) + ", 3] Float";
    throw Error(ErrorCode::kPlugin,
                "points are " + (p.defined() ? ShapeText(p) : "undefined") + ", expected " +
                    expected + " on the CPU")
        .Within(where);
  }
  clip.points = p.contiguous();
  if (!AllFinite(clip.points)) {
    throw Error(ErrorCode::kInput, "a coordinate is not finite").Within(where);
  }
  return clip;
}

torch::Tensor GatherRows(const torch::Tensor& table, std::span<const std::int64_t> rows) {
  auto sizes = table.sizes().vec();
  const std::size_t row_bytes =
      sizes[0] == 0 ? 0 : table.nbytes() / static_cast<std::size_t>(sizes[0]);
  sizes[0] = static_cast<std::int64_t>(rows.size());
  torch::Tensor out = torch::empty(sizes, table.options());
  auto* to = static_cast<std::byte*>(out.data_ptr());
  const auto* from = static_cast<const std::byte*>(table.const_data_ptr());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    TORCH_CHECK(rows[i] >= 0 && rows[i] < table.size(0), "row out of range");
    std::memcpy(
        to + i * row_bytes, from + static_cast<std::size_t>(rows[i]) * row_bytes, row_bytes);
  }
  return out;
}

TokenSource::TokenSource(const std::filesystem::path& folder) : table_(ReadClipTable(folder)) {
  const auto file = tensorio::SafetensorsFile::Open(folder / kTokensFile);
  points_ = tensorio::View(file, "points");
  centres_ = tensorio::View(file, "centres");
  frames_ = tensorio::View(file, "frames");
  nearest_ = tensorio::View(file, "nearest");
  for (const tensorio::TensorInfo& info : file->tensors()) {
    if (!info.name.starts_with(kExtra)) continue;
    // Whole numbers may be stored narrower than Tokenize gave them.
    const bool widened = file->metadata().contains("int64:" + info.name);
    extra_[info.name.substr(kExtra.size())] = {
        tensorio::View(file, info.name),
        widened ? torch::kInt64 : tensorio::ToScalarType(info.dtype)};
  }
  const auto n = static_cast<std::int64_t>(table_.clips.size());
  for (const torch::Tensor& t : {points_, centres_, frames_, nearest_}) {
    if (t.size(0) != n) {
      FailInput(file->path() + ": has " + std::to_string(t.size(0)) + " rows, " + kClipTableFile +
                " has " + std::to_string(n));
    }
  }
}

StudentInput TokenSource::Batch(std::span<const std::int64_t> rows) const {
  StudentInput input;
  input.points = GatherRows(points_, rows);
  input.centres = GatherRows(centres_, rows);
  input.frames = Frames(rows);
  for (const auto& [name, extra] : extra_) {
    input.extra[name] = GatherRows(extra.values, rows).to(extra.type);
  }
  return input;
}

torch::Tensor TokenSource::Frames(std::span<const std::int64_t> rows) const {
  return GatherRows(frames_, rows).to(torch::kInt64);
}

torch::Tensor TokenSource::Nearest(std::span<const std::int64_t> rows) const {
  return GatherRows(nearest_, rows).to(torch::kInt64);
}

TargetSource::TargetSource(const std::filesystem::path& folder, const TokenSource& tokens)
    : tokens_(&tokens) {
  const auto file = tensorio::SafetensorsFile::Open(folder / kTargetsFile);
  targets_ = tensorio::View(file, "targets");
  visible_ = tensorio::View(file, "visible");
  clip_ = tensorio::View(file, "clip");
  frame_ = tensorio::View(file, "frame");
  view_visible_ = tensorio::View(file, "view_visible");
  dim_ = targets_.size(2);
  const auto granularity = file->metadata().find("granularity");
  per_point_ = granularity != file->metadata().end() && granularity->second == "point";
  const ClipTable& table = tokens.table();
  const auto train = table.Rows(true);
  if (static_cast<std::int64_t>(train.size()) != targets_.size(0)) {
    FailInput(file->path() + ": has targets of " + std::to_string(targets_.size(0)) +
              " clips, the tokens artifact has " + std::to_string(train.size()) +
              " training clips");
  }
  target_row_.assign(table.clips.size(), -1);
  for (std::size_t i = 0; i < train.size(); ++i) {
    target_row_[static_cast<std::size_t>(train[i])] = static_cast<std::int64_t>(i);
  }
}

std::vector<std::int64_t> TargetSource::TargetRows(std::span<const std::int64_t> rows) const {
  std::vector<std::int64_t> out;
  for (std::int64_t row : rows) out.push_back(target_row_.at(static_cast<std::size_t>(row)));
  return out;
}

// Rows of `values`, whose dimension `dim` holds entries, by token.
torch::Tensor TargetSource::AtTokens(const torch::Tensor& values,
                                     std::int64_t dim,
                                     std::span<const std::int64_t> rows,
                                     const StudentInput& input) const {
  const auto target_rows = TargetRows(rows);
  if (!per_point_) return GatherRows(values, target_rows);
  // Eq. 4: a token reads the target of the input point nearest to it in its frame.
  const torch::Tensor point = input.frames * tokens_->table().points + tokens_->Nearest(rows);
  std::vector<torch::Tensor> out;
  for (std::size_t i = 0; i < target_rows.size(); ++i) {
    out.push_back(
        values[target_rows[i]].index_select(dim - 1, point[static_cast<std::int64_t>(i)]));
  }
  return torch::stack(out);
}

void TargetSource::AddTokenTargets(std::span<const std::int64_t> rows, TrainBatch* batch) const {
  batch->token_targets = AtTokens(targets_, 1, rows, batch->input).to(torch::kFloat32);
  batch->token_visible = AtTokens(visible_, 1, rows, batch->input).to(torch::kBool);
}

void TargetSource::AddClipTargets(std::span<const std::int64_t> rows, TrainBatch* batch) const {
  batch->clip_targets = GatherRows(clip_, TargetRows(rows));
}

void TargetSource::AddFrameTargets(std::span<const std::int64_t> rows, TrainBatch* batch) const {
  batch->frame_targets = GatherRows(frame_, TargetRows(rows)).to(torch::kFloat32);
  batch->view_visible = AtTokens(view_visible_, 2, rows, batch->input).to(torch::kBool);
}

std::vector<std::int64_t> EpochOrder(std::span<const std::int64_t> rows,
                                     std::uint64_t run_seed,
                                     std::int64_t epoch) {
  std::vector<std::int64_t> order(rows.begin(), rows.end());
  base::SplitMix64 random(
      base::DeriveSeed(run_seed, "batch-order", static_cast<std::uint64_t>(epoch)));
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  return order;
}

}  // namespace cross4d::data
