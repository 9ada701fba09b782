// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/option.h>

#include <cstdint>
#include <string>
#include <vector>

namespace cross4d::synthetic4d {

struct Options {
  std::string split = "official";
  std::int64_t seed = 0;
  std::int64_t sample_seed = 0;
  std::int64_t subjects = 20;
  std::int64_t actions = 10;
  std::int64_t repetitions = 3;
  std::int64_t frames = 8;
  std::int64_t points = 256;
  std::int64_t surface_points = 2400;
  std::string parts = "ten";
  double yaw = 180;
  double time_offset = 0.3;
  double style = 0.25;
  double left_handed = 0.2;
  double mirrored = 0.1;
  double noise_depth = 0.01;
  double noise_lateral = 0.004;
  double distance = 3.2;
};

OptionTable<Options> DescribeOptions();

/// Articulated bodies of ten capsules that act before a depth camera; see README.md.
/// Axes: x right, y up (ground at 0), z towards the camera; metres.
class Synthetic4D : public Dataset {
 public:
  Synthetic4D(const Options& options, const PluginContext& context);

  const std::vector<ClipInfo>& clips() const override { return clips_; }
  Clip Load(std::int64_t index) const override;
  Viewpoint viewpoint() const override { return {{0, 0, -1}, {0, 1, 0}}; }
  std::vector<std::string> class_names() const override;
  std::vector<std::string> part_names() const override;

 private:
  struct Place {
    std::int64_t subject = 0, action = 0, repetition = 0;
  };

  Options options_;
  std::vector<ClipInfo> clips_;
  std::vector<Place> places_;  ///< of each clip
};

}  // namespace cross4d::synthetic4d
