// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.h"
#include "core/data/sources.h"
#include "core/geometry/parallel.h"
#include "core/targets/rate.h"
#include "core/targets/stages.h"
#include "core/tensorio/torch_view.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

namespace cross4d::targets {
namespace {

using tensorio::DType;

// A features artifact, mapped.
struct Features {
  explicit Features(const std::filesystem::path& folder) {
    const auto file = tensorio::SafetensorsFile::Open(folder / kFeaturesFile);
    tokens = tensorio::View(file, "tokens");
    clip = tensorio::View(file, "clip");
    patch = tensorio::View(file, "patch");
    const auto path = folder / kFeaturesInfo;
    try {
      const auto info = nlohmann::json::parse(base::ReadFile(path));
      info.at("tubelet").get_to(tubelet);
      info.at("clips").get_to(clips);
    } catch (const nlohmann::json::exception& e) {
      FailInput(path.string() + ": " + e.what());
    }
  }

  torch::Tensor tokens;  // [n, cameras, T', Gh, Gw, d] f16
  torch::Tensor clip;    // [n, d] f32
  torch::Tensor patch;   // [n, cameras, T, N] i16 or i32
  std::vector<std::int64_t> tubelet;
  std::vector<std::string> clips;
};

void CheckSameClips(const data::ClipTable& table, const Features& features) {
  const auto train = table.Rows(true);
  bool same = train.size() == features.clips.size() && table.frames == features.patch.size(2) &&
              table.points == features.patch.size(3);
  for (std::size_t i = 0; same && i < train.size(); ++i) {
    same = table.clips[static_cast<std::size_t>(train[i])].id == features.clips[i];
  }
  if (!same) FailInput("the tokens and the features artifact come from different clips");
}

// Reads one clip's target vectors by (frame, point).
class ClipLookup {
 public:
  ClipLookup(const Features& features, std::int64_t clip, bool mean)
      : cameras_(features.patch.size(1)),
        points_(features.patch.size(3)),
        frame_stride_(features.patch.size(2) * points_),
        dim_(features.tokens.size(5)),
        patches_(features.tokens.size(3) * features.tokens.size(4)),
        steps_(features.tokens.size(2)),
        tubelet_(features.tubelet),
        mean_(mean),
        patch_(features.patch[clip].to(torch::kInt32)),
        index_(patch_.const_data_ptr<std::int32_t>()),
        tokens_(features.tokens[clip].const_data_ptr<at::Half>()),
        sum_(static_cast<std::size_t>(dim_)) {}

  bool Seen(std::int64_t camera, std::int64_t frame, std::int64_t point) const {
    return index_[camera * frame_stride_ + frame * points_ + point] >= 0;
  }

  // False and zeros when no camera sees the point.
  bool Read(std::int64_t frame, std::int64_t point, at::Half* out) {
    const at::Half* found = nullptr;
    int seen = 0;
    for (std::int64_t c = 0; c < cameras_; ++c) {
      const std::int32_t patch = index_[c * frame_stride_ + frame * points_ + point];
      if (patch < 0) continue;
      const std::int64_t step = tubelet_[static_cast<std::size_t>(frame)];
      const at::Half* token = tokens_ + ((c * steps_ + step) * patches_ + patch) * dim_;
      if (!mean_) {
        std::copy_n(token, dim_, out);
        return true;
      }
      if (seen++ == 0) std::fill(sum_.begin(), sum_.end(), 0.0f);
      for (std::int64_t d = 0; d < dim_; ++d) sum_[static_cast<std::size_t>(d)] += token[d];
      found = token;
    }
    if (found == nullptr) {
      std::fill_n(out, dim_, at::Half(0.0f));
      return false;
    }
    for (std::int64_t d = 0; d < dim_; ++d) {
      out[d] = sum_[static_cast<std::size_t>(d)] / static_cast<float>(seen);
    }
    return true;
  }

 private:
  std::int64_t cameras_, points_, frame_stride_, dim_, patches_, steps_;
  const std::vector<std::int64_t>& tubelet_;
  bool mean_;
  torch::Tensor patch_;
  const std::int32_t* index_;
  const at::Half* tokens_;
  std::vector<float> sum_;
};

// [cameras, T, d] f16: mean over the patch tokens of each frame's tubelet.
torch::Tensor FrameMeans(const Features& features, std::int64_t clip) {
  const torch::Tensor tokens = features.tokens[clip].to(torch::kFloat32);
  return tokens.flatten(2, 3)
      .mean(2)
      .index_select(1, torch::tensor(features.tubelet))
      .to(torch::kFloat16)
      .contiguous();
}

// Where a clip's targets stand: (frame, point) pairs, [entries] each.
struct Places {
  torch::Tensor frame, point;
};

Places PlacesOf(const data::TokenSource& tokens, std::int64_t row, bool per_point) {
  const std::vector<std::int64_t> rows = {row};
  if (!per_point) {
    return {tokens.Frames(rows)[0].contiguous(), tokens.Nearest(rows)[0].contiguous()};
  }
  const torch::Tensor all = torch::arange(tokens.table().frames * tokens.table().points);
  return {all.floor_divide(tokens.table().points), all.remainder(tokens.table().points)};
}

class TargetsWriter {
 public:
  TargetsWriter(const std::filesystem::path& out,
                const Features& features,
                std::int64_t entries,
                const protocol::TargetsOptions& options)
      : features_(features),
        entries_(entries),
        dim_(features.tokens.size(5)),
        cameras_(features.patch.size(1)),
        mean_(options.multi_camera == "mean"),
        writer_(out / data::kTargetsFile,
                {{"clip", DType::kF32, {clips(), dim_}},
                 {"targets", DType::kF16, {clips(), entries_, dim_}},
                 {"frame", DType::kF16, {clips(), cameras_, features.patch.size(2), dim_}},
                 {"visible", DType::kU8, {clips(), entries_}},
                 {"view_visible", DType::kU8, {clips(), cameras_, entries_}}},
                {{"granularity", options.granularity}}) {}

  // Returns how many entries are visible. Thread-safe for different clips.
  std::int64_t Write(std::int64_t clip, const Places& places) {
    ClipLookup lookup(features_, clip, mean_);
    torch::Tensor values = torch::empty({entries_, dim_}, torch::kFloat16);
    torch::Tensor visible = torch::empty({entries_}, torch::kUInt8);
    torch::Tensor view_visible = torch::empty({cameras_, entries_}, torch::kUInt8);
    const auto* frame = places.frame.const_data_ptr<std::int64_t>();
    const auto* point = places.point.const_data_ptr<std::int64_t>();
    auto* to = values.data_ptr<at::Half>();
    auto* flag = visible.data_ptr<std::uint8_t>();
    auto* view_flag = view_visible.data_ptr<std::uint8_t>();
    for (std::int64_t e = 0; e < entries_; ++e) {
      flag[e] = lookup.Read(frame[e], point[e], to + e * dim_) ? 1 : 0;
      for (std::int64_t c = 0; c < cameras_; ++c) {
        view_flag[c * entries_ + e] = lookup.Seen(c, frame[e], point[e]) ? 1 : 0;
      }
    }
    Put("targets", clip, values);
    Put("clip", clip, features_.clip[clip].contiguous());
    Put("frame", clip, FrameMeans(features_, clip));
    Put("visible", clip, visible);
    Put("view_visible", clip, view_visible);
    return visible.sum().item<std::int64_t>();
  }
  void Finish() { writer_.Finish(); }
  std::int64_t clips() const { return features_.patch.size(0); }

 private:
  void Put(const char* name, std::int64_t clip, const torch::Tensor& value) {
    writer_.WriteRow(name, clip, tensorio::BytesOf(value));
  }

  const Features& features_;
  std::int64_t entries_, dim_, cameras_;
  bool mean_;
  tensorio::SafetensorsWriter writer_;
};

}  // namespace

void RunTargets(const std::filesystem::path& tokens_folder,
                const std::filesystem::path& features_folder,
                const protocol::TargetsOptions& options,
                const std::filesystem::path& out,
                int threads,
                protocol::Reporter& reporter) {
  const data::TokenSource tokens(tokens_folder);
  const Features features(features_folder);
  const data::ClipTable& table = tokens.table();
  CheckSameClips(table, features);
  const bool per_point = options.granularity == "point";
  const auto train = table.Rows(true);
  const std::int64_t entries = per_point ? table.frames * table.points : table.tokens;
  TargetsWriter writer(out, features, entries, options);
  const std::int64_t count = writer.clips();
  std::atomic<std::int64_t> seen = 0;
  ClipRate rate("targets", count, reporter);
  const std::int64_t chunk = 16 * std::max(threads, 1);
  for (std::int64_t begin = 0; begin < count; begin += chunk) {
    protocol::ThrowIfStopped(reporter);
    geometry::ForEach(std::min(chunk, count - begin), threads, [&](std::int64_t k) {
      const std::int64_t row = train[static_cast<std::size_t>(begin + k)];
      seen += writer.Write(begin + k, PlacesOf(tokens, row, per_point));
    });
    rate.Done(std::min(begin + chunk, count));
  }
  writer.Finish();
  reporter.Metric(per_point ? "point_coverage" : "token_coverage",
                  -1,
                  static_cast<double>(seen.load()) / static_cast<double>(count * entries));
}

}  // namespace cross4d::targets
