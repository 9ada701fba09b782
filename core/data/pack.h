// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensorio/safetensors.h"

#include <cross4d/sdk/dataset.h>

#include <torch/types.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// A pack: the clips of a data set under one setting, decoded once, in one memory-mapped file. It
/// stands in for the data set: same clips, same bytes, same errors.
///
/// A safetensors file, n clips in index order: points [n, T, N, 3] f32; part_labels and
/// correspondence [n, T, N] i32 where the data has them; unreadable [n, 512] u8 (why a clip could
/// not be read, empty otherwise); checksum [n, 16] u8 of the bytes of a clip in all of these. The
/// index, what the pack was made from, and a checksum of the header are metadata.
namespace cross4d::data {

/// What decides a pack's content besides the data itself.
struct PackSource {
  std::string plugin, version;
  std::string options;  ///< options of role `key` as canonical text (base::CanonicalKeyText)
};

/// Empty, or what differs, with both values ("points is 1024 in the pack, 2048 wanted").
std::string SourceDifference(const PackSource& pack, const PackSource& wanted);

class PackedDataset : public Dataset {
 public:
  /// Checks the header, and if `wanted` is given that the pack was made from that. Error(kInput):
  /// no pack, damaged header, another source (both values). Error(kEnvironment) from Load names a
  /// clip whose bytes do not have their checksum; each is compared when it is first read.
  static std::unique_ptr<PackedDataset> Open(const std::filesystem::path& file,
                                             const std::optional<PackSource>& wanted = {});

  const PackSource& source() const { return source_; }
  /// Clips that could not be read when they were packed: id and why.
  std::vector<std::pair<std::string, std::string>> Unreadable() const;

  const std::vector<ClipInfo>& clips() const override { return clips_; }
  Clip Load(std::int64_t index) const override;
  Viewpoint viewpoint() const override { return viewpoint_; }
  std::vector<std::string> class_names() const override { return classes_; }
  std::vector<std::string> part_names() const override { return parts_; }
  std::vector<FileProblem> problems() const override { return problems_; }
  bool skip_unreadable() const override { return skip_; }
  std::string Fingerprint() const override { return fingerprint_; }

 private:
  PackedDataset() = default;
  void ReadIndex();
  void Map();
  void Verify(std::int64_t index) const;
  std::string Reason(std::int64_t index) const;  ///< empty = the clip is there

  std::shared_ptr<const tensorio::SafetensorsFile> file_;
  PackSource source_;
  std::vector<ClipInfo> clips_;
  Viewpoint viewpoint_;
  std::vector<std::string> classes_, parts_;
  std::vector<FileProblem> problems_;
  std::string fingerprint_;
  bool skip_ = false;
  torch::Tensor points_, part_labels_, correspondence_, unreadable_, checksum_;
  std::unique_ptr<std::atomic<bool>[]> verified_;  ///< per clip
};

struct PackResult {
  std::int64_t clips = 0, kept = 0, unreadable = 0;  ///< kept: finished before an interruption
  std::int64_t frames = 0, points = 0;
  std::uint64_t bytes = 0;
};

/// Called from the caller's thread with clips finished; may throw.
using PackProgress = std::function<void(std::int64_t done)>;

/// Packs `dataset` into `file`, which appears when it is whole. Until then FILE.partial/ holds what
/// is finished; another call goes on from there after it has verified it. Clips that cannot be read
/// are noted if the data set skips them, else the first one ends it.
PackResult WritePack(const Dataset& dataset,
                     const PackSource& source,
                     const std::filesystem::path& file,
                     int threads,
                     const PackProgress& progress);

}  // namespace cross4d::data
