// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cross4d::data {

struct ClipRow {
  std::string id, video;
  std::int64_t label = -1, subject = -1;  ///< -1 = none
  bool train = true;                      ///< split
};

/// The clips of an artifact, in row order: clips.json beside the tensors.
struct ClipTable {
  std::vector<ClipRow> clips;
  std::vector<std::string> classes;
  std::int64_t frames = 0, points = 0, tokens = 0;  ///< T, N, L; 0 = not of this artifact

  /// Rows of one split, in order.
  std::vector<std::int64_t> Rows(bool train) const;
  /// Number of classes: the names, or the largest label + 1.
  std::int64_t class_count() const;
};

inline constexpr const char* kClipTableFile = "clips.json";
void WriteClipTable(const std::filesystem::path& folder, const ClipTable& table);
/// Error(kInput) that names the file.
ClipTable ReadClipTable(const std::filesystem::path& folder);

/// Training rows of `table` that a pretraining uses: all clips of a fixed choice of training
/// videos. `subset` <= 1: that share (rounded up), else that many videos. The choice does not
/// depend on the run seed, and smaller subsets lie within larger ones. Ascending.
std::vector<std::int64_t> SubsetRows(const ClipTable& table, double subset);

}  // namespace cross4d::data
