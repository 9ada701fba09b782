// SPDX-License-Identifier: Apache-2.0
#include "core/data/pack.h"

#include "core/data/pack_format.h"
#include "core/tensorio/torch_view.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

namespace cross4d::data {
namespace {

using nlohmann::json;

std::string Metadata(const tensorio::SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found != file.metadata().end()) return found->second;
  FailInput(file.path() + ": the header has no entry '" + key + "': not a whole pack");
}

void CheckHeader(const tensorio::SafetensorsFile& file) {
  const auto format = file.metadata().find(pack::kFormat);
  if (format == file.metadata().end()) {
    FailInput(file.path() + ": not a pack; `cross4d data pack` writes them");
  }
  if (format->second != pack::kFormatVersion) {
    FailInput(file.path() + ": a pack of format " + format->second + ", expected " +
              pack::kFormatVersion + "; pack again");
  }
  std::vector<tensorio::TensorDecl> tensors;
  for (const auto& t : file.tensors()) tensors.push_back({t.name, t.dtype, t.shape});
  const std::string found = pack::HeaderChecksum(file.metadata(), tensors);
  const std::string recorded = Metadata(file, pack::kChecksum);
  if (found != recorded) {
    FailInput(file.path() + ": the header's checksum is " + found + ", recorded is " + recorded +
              ": the file is damaged; pack again");
  }
}

// Bytes of one row.
std::span<const std::byte> Row(const torch::Tensor& tensor, std::int64_t index) {
  const std::size_t size = tensor.nbytes() / static_cast<std::size_t>(tensor.size(0));
  return {static_cast<const std::byte*>(tensor.const_data_ptr()) +
              static_cast<std::size_t>(index) * size,
          size};
}

torch::Tensor Optional(const std::shared_ptr<const tensorio::SafetensorsFile>& file,
                       std::string_view name) {
  return file->Find(name) == nullptr ? torch::Tensor() : tensorio::View(file, name);
}

}  // namespace

std::string SourceDifference(const PackSource& pack, const PackSource& wanted) {
  if (pack.plugin != wanted.plugin || pack.version != wanted.version) {
    return "the pack is of " + pack.plugin + " " + pack.version + ", wanted is " + wanted.plugin +
           " " + wanted.version;
  }
  if (pack.options == wanted.options) return {};
  const json have = json::parse(pack.options, nullptr, false);
  const json want = json::parse(wanted.options, nullptr, false);
  std::string text;
  for (const auto& [name, value] : want.items()) {
    const bool known = have.is_object() && have.contains(name);
    if (known && have.at(name) == value) continue;
    text += (text.empty() ? "" : ", ") + name + " is " +
            (known ? have.at(name).dump() : "not recorded") + " in the pack, wanted is " +
            value.dump();
  }
  return text.empty() ? "the options are " + pack.options + ", wanted are " + wanted.options : text;
}

std::unique_ptr<PackedDataset> PackedDataset::Open(const std::filesystem::path& path,
                                                   const std::optional<PackSource>& wanted) {
  std::unique_ptr<PackedDataset> packed(new PackedDataset);
  packed->file_ = tensorio::SafetensorsFile::Open(path);
  const tensorio::SafetensorsFile& file = *packed->file_;
  CheckHeader(file);
  packed->source_ = {
      Metadata(file, "plugin"), Metadata(file, "version"), Metadata(file, "options")};
  const std::string difference = wanted ? SourceDifference(packed->source_, *wanted) : "";
  if (!difference.empty()) {
    FailInput(file.path() + ": " + difference +
              "; pack again with these settings, or take `pack` out");
  }
  packed->fingerprint_ = Metadata(file, "fingerprint");
  packed->ReadIndex();
  packed->Map();
  return packed;
}

void PackedDataset::ReadIndex() {
  try {
    const json index = json::parse(Metadata(*file_, "index"));
    index.at("classes").get_to(classes_);
    index.at("parts").get_to(parts_);
    index.at("skip").get_to(skip_);
    index.at("forward").get_to(viewpoint_.forward);
    index.at("up").get_to(viewpoint_.up);
    for (const json& p : index.at("problems")) problems_.push_back({p.at(0), p.at(1)});
    for (const json& c : index.at("clips")) {
      clips_.push_back({c.at(0).get<std::string>(),
                        c.at(1).get<std::string>(),
                        c.at(2).get<std::int64_t>(),
                        c.at(3).get<std::int64_t>(),
                        c.at(4).get<bool>() ? Split::kTrain : Split::kTest});
    }
  } catch (const json::exception& e) {
    FailInput(file_->path() + ": the index of the pack is not readable: " + e.what());
  }
}

void PackedDataset::Map() {
  points_ = tensorio::View(file_, "points");
  unreadable_ = tensorio::View(file_, "unreadable");
  checksum_ = tensorio::View(file_, pack::kChecksum);
  part_labels_ = Optional(file_, "part_labels");
  correspondence_ = Optional(file_, "correspondence");
  const auto n = static_cast<std::int64_t>(clips_.size());
  for (const tensorio::TensorInfo& tensor : file_->tensors()) {
    if (tensor.shape.empty() || tensor.shape[0] != n) {
      FailInput(file_->path() + ": tensor " + tensor.name + " does not have the " +
                std::to_string(n) + " rows of the index");
    }
  }
  verified_ = std::make_unique<std::atomic<bool>[]>(clips_.size());
}

void PackedDataset::Verify(std::int64_t index) const {
  std::atomic<bool>& verified = verified_[static_cast<std::size_t>(index)];
  if (verified.load(std::memory_order_relaxed)) return;
  std::vector<std::span<const std::byte>> parts;
  for (const torch::Tensor& t : {points_, part_labels_, correspondence_, unreadable_}) {
    if (t.defined()) parts.push_back(Row(t, index));
  }
  const auto found = pack::ClipChecksum(parts);
  const auto recorded = Row(checksum_, index);
  if (!std::equal(recorded.begin(), recorded.end(), found.begin(), found.end())) {
    // Not an input error: a damaged pack must not pass for a clip that is to be skipped.
    throw Error(ErrorCode::kEnvironment,
                file_->path() +
                    ": the clip's bytes do not have their checksum: the file is damaged; "
                    "pack again");
  }
  verified.store(true, std::memory_order_relaxed);
}

std::string PackedDataset::Reason(std::int64_t index) const {
  const auto bytes = Row(unreadable_, index);
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  return {text, ::strnlen(text, bytes.size())};
}

std::vector<std::pair<std::string, std::string>> PackedDataset::Unreadable() const {
  std::vector<std::pair<std::string, std::string>> list;
  for (std::size_t i = 0; i < clips_.size(); ++i) {
    std::string reason = Reason(static_cast<std::int64_t>(i));
    if (!reason.empty()) list.emplace_back(clips_[i].id, std::move(reason));
  }
  return list;
}

Clip PackedDataset::Load(std::int64_t index) const {
  clips_.at(static_cast<std::size_t>(index));
  Verify(index);
  if (const std::string reason = Reason(index); !reason.empty()) FailInput(reason);
  Clip clip;
  clip.points = points_[index].clone();
  if (part_labels_.defined()) clip.part_labels = part_labels_[index].to(torch::kInt64);
  if (correspondence_.defined()) clip.correspondence = correspondence_[index].to(torch::kInt64);
  return clip;
}

}  // namespace cross4d::data
