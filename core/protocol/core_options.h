// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/option.h>

#include <cstdint>
#include <string>

namespace cross4d::protocol {

/// [targets]: the correspondence of the paper, section 3.1. Defaults are the method's.
struct TargetsOptions {
  std::int64_t cameras = 1;
  std::int64_t image_size = 224;
  double fov = 60;
  double margin = 1.1;
  double elevation = 0;
  double splat_radius = 0;
  std::string shading = "depth";
  std::string visibility = "owns-pixel";
  std::string multi_camera = "first";
  std::string projection = "random";
  std::int64_t dim = 384;
  std::int64_t projection_seed = 0;
  std::string granularity = "token";
};
const OptionTable<TargetsOptions>& TargetsTable();
/// The options that the features stage depends on (all but granularity and multi_camera).
bool IsFeatureOption(std::string_view name);

/// [dataset] pack: beside the options of whatever data set is chosen, since the host answers it,
/// not the plugin. Empty = the clips are decoded from the data set's own files.
const OptionSpec& PackOption();

/// [pretrain]: optimisation, method.md section 4.
struct PretrainOptions {
  std::int64_t epochs = 100;
  std::int64_t batch = 32;
  double lr = 1e-3;
  double min_lr = 1e-6;
  double weight_decay = 0.05;
  double beta1 = 0.9, beta2 = 0.999;
  double warmup = 0.1;
  double clip_norm = 1.0;
  double variance_weight = 0.01;
  double subset = 1.0;
};
const OptionTable<PretrainOptions>& PretrainTable();

/// [[evaluate]] protocol = "linear-probe": method.md section 5.
struct LinearProbeOptions {
  bool standardize = false;
  std::string solver = "adamw";
  std::int64_t epochs = 100;
  std::int64_t batch = 32;
  double lr = 1e-2;
  double weight_decay = 1e-4;
};
const OptionTable<LinearProbeOptions>& LinearProbeTable();

}  // namespace cross4d::protocol
