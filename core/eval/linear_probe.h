// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/data/clip_table.h"
#include "core/protocol/core_options.h"
#include "core/protocol/reporter.h"

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cross4d::eval {

/// A linear classifier on fixed features.
struct LinearModel {
  torch::Tensor weight;  ///< [K, C] float32
  torch::Tensor bias;    ///< [K] float32
  torch::Tensor Logits(const torch::Tensor& features) const;
};

/// Trains on features [n, C] float32 and labels [n] int64 in 0..K-1, from zero, as method.md
/// section 5 says; `seed` decides the batch order.
LinearModel TrainLinear(const torch::Tensor& features,
                        const torch::Tensor& labels,
                        std::int64_t classes,
                        const protocol::LinearProbeOptions& options,
                        std::uint64_t seed);

/// (x - mean) / std per column with the statistics of `train`; columns without variation become 0.
void Standardize(const torch::Tensor& train, std::vector<torch::Tensor*> tables);

struct VideoScore {
  std::string video;
  std::int64_t label = 0, predicted = 0;
};
struct ProbeScore {
  double accuracy = 0;        ///< top-1 by video: softmax summed over its clips
  double accuracy_clip = 0;   ///< top-1 by clip
  double accuracy_train = 0;  ///< by clip, on the training split
  double loss = 0;            ///< mean cross-entropy by test clip
  std::vector<VideoScore> videos;
};

/// Probe of one embedding per clip [n, C]; clips without a label are left out. Error(kInput) when a
/// split has no labelled clip.
ProbeScore ProbeClips(const torch::Tensor& embeddings,
                      const data::ClipTable& table,
                      const protocol::LinearProbeOptions& options,
                      std::uint64_t seed);

/// Stage `evaluation`, protocol linear-probe: metrics and result.json in `out`.
void RunLinearProbe(const std::filesystem::path& embeddings,
                    const protocol::LinearProbeOptions& options,
                    std::uint64_t seed,
                    const std::filesystem::path& out,
                    protocol::Reporter& reporter);

}  // namespace cross4d::eval
