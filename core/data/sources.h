// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/data/clip_table.h"
#include "core/tensorio/safetensors.h"

#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/student.h>

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace cross4d::data {

inline constexpr const char* kTokensFile = "tokens.safetensors";
inline constexpr const char* kTargetsFile = "targets.safetensors";

/// Loads clip `index` and holds the plug-in to its contract: points [T, N, 3] float32 on the CPU,
/// contiguous, finite, of the same T and N as `frames` and `points` (0 = not known yet). Errors
/// name the clip.
Clip LoadClip(const Dataset& dataset, std::int64_t index, std::int64_t frames, std::int64_t points);

/// The rows of `table` [n, ...] stacked as a new tensor: one copy out of the mapped file.
torch::Tensor GatherRows(const torch::Tensor& table, std::span<const std::int64_t> rows);

/// A tokens artifact: memory-mapped, read by row.
class TokenSource {
 public:
  explicit TokenSource(const std::filesystem::path& folder);

  const ClipTable& table() const { return table_; }
  /// Rows of the table stacked to a batch; dtypes as Tokenize gave them.
  StudentInput Batch(std::span<const std::int64_t> rows) const;
  /// [B, L] int64: frame of each token.
  torch::Tensor Frames(std::span<const std::int64_t> rows) const;
  /// [B, L] int64: index of each token's nearest point within its frame.
  torch::Tensor Nearest(std::span<const std::int64_t> rows) const;

 private:
  ClipTable table_;
  torch::Tensor points_, centres_, frames_, nearest_;
  struct Extra {
    torch::Tensor values;
    torch::ScalarType type;
  };
  std::map<std::string, Extra> extra_;
};

/// A targets artifact. Its rows are the training clips in the order of the tokens artifact.
class TargetSource {
 public:
  TargetSource(const std::filesystem::path& folder, const TokenSource& tokens);

  std::int64_t dim() const { return dim_; }
  std::int64_t views() const { return frame_.size(1); }  ///< V, cameras
  /// Adds what the objective requires to a batch made of token rows `rows` (training clips only).
  void AddTokenTargets(std::span<const std::int64_t> rows, TrainBatch* batch) const;
  void AddClipTargets(std::span<const std::int64_t> rows, TrainBatch* batch) const;
  void AddFrameTargets(std::span<const std::int64_t> rows, TrainBatch* batch) const;

 private:
  std::vector<std::int64_t> TargetRows(std::span<const std::int64_t> rows) const;
  torch::Tensor AtTokens(const torch::Tensor& values,
                         std::int64_t dim,
                         std::span<const std::int64_t> rows,
                         const StudentInput& input) const;

  const TokenSource* tokens_;
  std::vector<std::int64_t> target_row_;  ///< of a token row; -1 = not a training clip
  bool per_point_ = false;
  std::int64_t dim_ = 0;
  torch::Tensor targets_, visible_, clip_, frame_, view_visible_;
};

/// A fixed shuffle of `rows` for one epoch of one run.
std::vector<std::int64_t> EpochOrder(std::span<const std::int64_t> rows,
                                     std::uint64_t run_seed,
                                     std::int64_t epoch);

}  // namespace cross4d::data
