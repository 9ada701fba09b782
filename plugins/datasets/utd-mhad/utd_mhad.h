// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/option.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "skeleton.h"

namespace cross4d::utd_mhad {

struct Options {
  std::string root;
  std::string split = "official";
  std::vector<std::int64_t> validation_subjects = {7};
  std::int64_t frames = 24;
  std::string frame_mode = "uniform";
  std::int64_t stride = 1;
  std::int64_t points = 2048;
  std::int64_t sample_seed = 0;
  bool part_labels = true;
};

OptionTable<Options> DescribeOptions();

/// Which frames of a video of `total` make a clip, in rising order; see README.md.
std::vector<std::int64_t> ChooseFrames(const Options& options, std::int64_t total);

/// The 861 depth videos of UTD-MHAD, one clip each; see README.md.
/// Axes: those of the depth camera (x right, y down, z forward); metres.
class UtdMhad : public Dataset {
 public:
  UtdMhad(const Options& options, const PluginContext& context);

  const std::vector<ClipInfo>& clips() const override { return clips_; }
  Clip Load(std::int64_t index) const override;
  Viewpoint viewpoint() const override { return {{0, 0, 1}, {0, -1, 0}}; }
  std::vector<std::string> class_names() const override;
  std::vector<std::string> part_names() const override;
  std::string Fingerprint() const override;

 private:
  std::filesystem::path DepthFile(const ClipInfo& clip) const;
  std::filesystem::path SkeletonFile(const ClipInfo& clip) const;
  /// Without value if no labels are asked for.
  std::optional<Skeleton> LoadSkeleton(const ClipInfo& clip, std::int64_t frames) const;

  Options options_;
  std::vector<ClipInfo> clips_;
};

}  // namespace cross4d::utd_mhad
