// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/train/flat_parameters.h"

#include <torch/nn/module.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace cross4d::train {

struct CurvePoint {
  std::string name;
  std::int64_t epoch = 0;
  double value = 0;
};

/// What a run knows besides its tensors.
struct TrainProgress {
  std::int64_t step = 0;  ///< optimiser steps done
  double seconds = 0;     ///< wall time spent
  // Of the epoch under way: sums over its steps.
  double loss_sum = 0;
  std::map<std::string, double> monitor_sums;
  std::vector<CurvePoint>
      curve;  ///< all that was reported, so that a later attempt's record is whole
};

/// Parameters and buffers by plain name ("sa1.0.weight").
using NamedTensors = std::map<std::string, torch::Tensor>;
NamedTensors StateOf(const torch::nn::Module& module);

/// A safetensors file of `tensors` in the order of their names.
void SaveTensors(const std::filesystem::path& path,
                 const NamedTensors& tensors,
                 const std::map<std::string, std::string>& metadata,
                 bool sync);
/// Copies the file's tensors into `tensors`; names with `prefix` put before. Error(kInput) when one
/// is missing or has another shape or dtype.
void LoadTensors(const std::filesystem::path& path,
                 const NamedTensors& tensors,
                 const std::string& prefix = {});

/// One file in `folder`, replaced atomically.
void SaveCheckpoint(const std::filesystem::path& folder,
                    const torch::nn::Module& student,
                    const torch::nn::Module& objective,
                    FlatParameters& parameters,
                    const TrainProgress& progress);
/// False when there is none.
bool LoadCheckpoint(const std::filesystem::path& folder,
                    torch::nn::Module& student,
                    torch::nn::Module& objective,
                    FlatParameters& parameters,
                    TrainProgress* progress);

}  // namespace cross4d::train
