// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clips/video_clips.h"

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

struct Options : clips::FrameOptions {
  Options() { frame_mode = "uniform"; }  // its actions last 41 to 125 frames

  std::string root;
  std::string split = "official";
  std::vector<std::int64_t> validation_subjects = {7};
  std::int64_t points = 2048;
  std::int64_t sample_seed = 0;
  bool part_labels = true;
  std::string on_error = "fail";
};

OptionTable<Options> DescribeOptions();

/// The 861 depth videos of UTD-MHAD; see README.md.
/// Axes: those of the depth camera (x right, y down, z forward); metres.
class UtdMhad : public Dataset {
 public:
  UtdMhad(const Options& options, const PluginContext& context);

  const std::vector<ClipInfo>& clips() const override { return index_.clips(); }
  Clip Load(std::int64_t index) const override;
  Viewpoint viewpoint() const override { return {{0, 0, 1}, {0, -1, 0}}; }
  std::vector<std::string> class_names() const override;
  std::vector<std::string> part_names() const override;
  std::vector<FileProblem> problems() const override { return index_.problems(); }
  bool skip_unreadable() const override { return options_.on_error == "skip"; }
  std::string Fingerprint() const override;

 private:
  std::filesystem::path DepthFile(const std::string& video) const;
  std::filesystem::path SkeletonFile(const std::string& video) const;
  /// Without value if no labels are asked for.
  std::optional<Skeleton> LoadSkeleton(const std::string& video, std::int64_t frames) const;

  Options options_;
  clips::VideoClips index_;
};

}  // namespace cross4d::utd_mhad
