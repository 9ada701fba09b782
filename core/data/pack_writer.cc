// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.h"
#include "core/data/pack.h"
#include "core/data/pack_format.h"
#include "core/data/row_file.h"
#include "core/data/sources.h"
#include "core/geometry/parallel.h"
#include "core/tensorio/torch_view.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <system_error>

namespace cross4d::data {
namespace {

using nlohmann::json;
using tensorio::DType;

constexpr const char* kWhole = "0";       // ledger notes: a clip,
constexpr const char* kUnreadable = "1";  // or why there is none

struct Loaded {
  Clip clip;
  std::string reason;  ///< not empty: why the clip cannot be read
};

// What the error said behind "clip ID", which whoever loads the clip puts there again.
std::string Reason(const Error& error) {
  std::string text;
  for (std::size_t i = 1; i < error.context().size(); ++i) text += error.context()[i] + " › ";
  text += error.message();
  if (text.size() > pack::kReasonBytes) text = text.substr(0, pack::kReasonBytes - 3) + "...";
  return text;
}

Loaded LoadOrReason(const Dataset& dataset, std::int64_t index, std::int64_t t, std::int64_t n) {
  try {
    return {LoadClip(dataset, index, t, n), {}};
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kInput || !dataset.skip_unreadable()) throw;
    return {{}, Reason(e)};
  }
}

Clip FirstReadable(const Dataset& dataset) {
  const auto count = static_cast<std::int64_t>(dataset.clips().size());
  if (count == 0) FailInput("the data set has no clips");
  std::string first;
  for (std::int64_t i = 0; i < count; ++i) {
    Loaded loaded = LoadOrReason(dataset, i, 0, 0);
    if (loaded.reason.empty()) return std::move(loaded.clip);
    if (first.empty()) first = loaded.reason;
  }
  FailInput("none of the " + std::to_string(count) + " clips can be read; the first: " + first);
}

std::string IndexText(const Dataset& dataset) {
  json clips = json::array(), problems = json::array();
  for (const ClipInfo& c : dataset.clips()) {
    clips.push_back({c.id, c.video, c.label, c.subject, c.split == Split::kTrain});
  }
  for (const FileProblem& p : dataset.problems()) problems.push_back({p.file, p.what});
  const Viewpoint view = dataset.viewpoint();
  const json index = {{"clips", clips},
                      {"problems", problems},
                      {"classes", dataset.class_names()},
                      {"parts", dataset.part_names()},
                      {"skip", dataset.skip_unreadable()},
                      {"forward", view.forward},
                      {"up", view.up}};
  return index.dump(-1, ' ', false, json::error_handler_t::replace);
}

RowFile::Setup MakeSetup(const Dataset& dataset,
                         const PackSource& source,
                         const std::filesystem::path& folder,
                         const Clip& first) {
  const auto clips = static_cast<std::int64_t>(dataset.clips().size());
  const std::int64_t t = first.points.size(0), n = first.points.size(1);
  RowFile::Setup setup;
  setup.folder = folder;
  setup.name = "pack.safetensors";
  setup.tensors = {{"points", DType::kF32, {clips, t, n, 3}}};
  if (first.part_labels.defined()) {
    setup.tensors.push_back({"part_labels", DType::kI32, {clips, t, n}});
  }
  if (first.correspondence.defined()) {
    setup.tensors.push_back({"correspondence", DType::kI32, {clips, t, n}});
  }
  setup.tensors.push_back({"unreadable", DType::kU8, {clips, pack::kReasonBytes}});
  setup.tensors.push_back({pack::kChecksum, DType::kU8, {clips, pack::kChecksumBytes}});
  setup.metadata = {{pack::kFormat, pack::kFormatVersion},
                    {"plugin", source.plugin},
                    {"version", source.version},
                    {"options", source.options},
                    {"fingerprint", dataset.Fingerprint()},
                    {"index", IndexText(dataset)}};
  setup.metadata[pack::kChecksum] = pack::HeaderChecksum(setup.metadata, setup.tensors);
  return setup;
}

torch::Tensor Narrow(const torch::Tensor& ids, const char* name) {
  const bool fits = ids.numel() == 0 || ids.abs().max().item<std::int64_t>() <=
                                            std::numeric_limits<std::int32_t>::max();
  if (!fits) {
    throw Error(ErrorCode::kPlugin, std::string(name) + " holds a number beyond 32 bits");
  }
  return ids.to(torch::kInt32).contiguous();
}

/// Brings clips into the rows of a pack.
class PackRows {
 public:
  PackRows(RowFile& file, const RowFile::Setup& setup, const Clip& first)
      : file_(file),
        tensors_(setup.tensors),
        blank_(torch::zeros_like(first.points)),
        no_ids_(torch::zeros({first.points.size(0), first.points.size(1)}, torch::kInt32)) {}

  // Thread-safe for different rows.
  void Write(std::int64_t row, const Loaded& loaded) {
    const std::vector<torch::Tensor> values = Values(loaded);
    std::vector<RowFile::Part> parts;
    std::vector<std::span<const std::byte>> hashed;
    for (std::size_t i = 0; i < values.size(); ++i) {
      hashed.push_back(tensorio::BytesOf(values[i]));
      parts.emplace_back(tensors_[i].name, hashed.back());
    }
    const auto sum = pack::ClipChecksum(hashed);
    parts.emplace_back(pack::kChecksum, sum);
    file_.Write(row, parts, loaded.reason.empty() ? kWhole : kUnreadable);
  }

 private:
  // In the order of tensors_, less the checksum.
  std::vector<torch::Tensor> Values(const Loaded& loaded) const {
    std::vector<torch::Tensor> values;
    for (const tensorio::TensorDecl& tensor : tensors_) {
      if (tensor.name == "points") {
        values.push_back(loaded.clip.points.defined() ? loaded.clip.points : blank_);
      } else if (tensor.name == "unreadable") {
        values.push_back(torch::zeros({pack::kReasonBytes}, torch::kUInt8));
        std::copy(
            loaded.reason.begin(), loaded.reason.end(), values.back().data_ptr<std::uint8_t>());
      } else if (tensor.name != pack::kChecksum) {
        values.push_back(Ids(loaded, tensor.name));
      }
    }
    return values;
  }

  torch::Tensor Ids(const Loaded& loaded, const std::string& name) const {
    if (!loaded.reason.empty()) return no_ids_;
    const torch::Tensor& ids =
        name == "part_labels" ? loaded.clip.part_labels : loaded.clip.correspondence;
    if (!ids.defined() || ids.sizes() != no_ids_.sizes()) {
      throw Error(ErrorCode::kPlugin,
                  name + ": the first clip has them for every point, this one not");
    }
    return Narrow(ids, name.c_str());
  }

  RowFile& file_;
  const std::vector<tensorio::TensorDecl>& tensors_;
  torch::Tensor blank_, no_ids_;
};

PackResult Counts(const RowFile& file, const Clip& first) {
  PackResult result;
  result.clips = file.rows();
  result.frames = first.points.size(0);
  result.points = first.points.size(1);
  for (std::int64_t i = 0; i < file.rows(); ++i) {
    if (file.Has(i) && file.Note(i) == kUnreadable) ++result.unreadable;
  }
  return result;
}

}  // namespace

PackResult WritePack(const Dataset& dataset,
                     const PackSource& source,
                     const std::filesystem::path& file,
                     int threads,
                     const PackProgress& progress) {
  const torch::NoGradGuard no_grad;
  const Clip first = FirstReadable(dataset);
  const std::int64_t t = first.points.size(0), n = first.points.size(1);
  std::filesystem::path partial = file;
  partial += ".partial";
  const RowFile::Setup setup = MakeSetup(dataset, source, partial, first);
  PackResult result;
  {
    RowFile rows(setup, progress);
    PackRows writer(rows, setup, first);
    const std::int64_t kept = rows.finished(), count = rows.rows();
    const std::int64_t chunk = 8 * std::max(threads, 1);
    for (std::int64_t begin = 0; begin < count; begin += chunk) {
      geometry::ForEach(std::min(chunk, count - begin), threads, [&](std::int64_t i) {
        const torch::NoGradGuard no_grad_here;
        if (!rows.Has(begin + i)) writer.Write(begin + i, LoadOrReason(dataset, begin + i, t, n));
      });
      progress(std::min(begin + chunk, count));
    }
    result = Counts(rows, first);
    result.kept = kept;
    base::SyncPath(partial / setup.name);
    rows.Finish(file);
  }
  std::error_code ignored;
  std::filesystem::remove_all(partial, ignored);
  result.bytes = std::filesystem::file_size(file);
  return result;
}

}  // namespace cross4d::data
