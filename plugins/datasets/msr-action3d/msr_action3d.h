// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clips/video_clips.h"

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/option.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "index.h"

namespace cross4d::msr_action3d {

struct Options : clips::FrameOptions {
  std::string root;
  std::string form = "auto";
  std::string split = "cross-subject";
  std::vector<std::int64_t> validation_subjects = {5};
  std::int64_t points = 2048;
  std::int64_t sample_seed = 0;
  std::string intrinsics = "published";
  std::string normalise = "published-unit";
  double depth_scale = 0.004;
  std::string on_error = "fail";
};

OptionTable<Options> DescribeOptions();

/// The 567 depth videos of MSR-Action3D; see README.md.
/// Axes: those of the depth camera (x right, y down, z forward).
class MsrAction3d : public Dataset {
 public:
  MsrAction3d(const Options& options, const PluginContext& context);

  const std::vector<ClipInfo>& clips() const override { return index_.clips(); }
  Clip Load(std::int64_t index) const override;
  Viewpoint viewpoint() const override { return {{0, 0, 1}, {0, -1, 0}}; }
  std::vector<std::string> class_names() const override;
  std::vector<FileProblem> problems() const override { return index_.problems(); }
  bool skip_unreadable() const override { return options_.on_error == "skip"; }
  std::string Fingerprint() const override;

 private:
  void AddVideo(const VideoFile& file);
  void ListMissing(const std::vector<VideoFile>& files);
  void Normalise(Clip* clip) const;

  Options options_;
  std::map<std::string, std::filesystem::path> files_;  ///< of each video
  clips::VideoClips index_;
};

}  // namespace cross4d::msr_action3d
