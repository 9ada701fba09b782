// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clips/video_clips.h"

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/option.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "index.h"
#include "video_frames.h"

namespace cross4d::ntu_rgbd60 {

struct Options : clips::FrameOptions {
  Options() { stride = clip_step = 2; }

  std::string root;
  std::string form = "auto";
  std::string list;
  std::string split = "cross-subject";
  std::vector<std::int64_t> validation_subjects = {27, 28, 31, 34, 35, 38};
  bool exclude_missing_skeletons = false;
  std::int64_t points = 2048;
  std::int64_t sample_seed = 0;
  std::string intrinsics = "published";
  std::string normalise = "unit-sphere";
  std::string on_error = "fail";
};

OptionTable<Options> DescribeOptions();

/// The 56,880 depth videos of NTU RGB+D 60; see README.md.
/// Axes: those of the depth camera (x right, y down, z forward).
class NtuRgbd60 : public Dataset {
 public:
  NtuRgbd60(const Options& options, const PluginContext& context);

  const std::vector<ClipInfo>& clips() const override { return index_.clips(); }
  Clip Load(std::int64_t index) const override;
  Viewpoint viewpoint() const override { return {{0, 0, 1}, {0, -1, 0}}; }
  std::vector<std::string> class_names() const override;
  std::vector<FileProblem> problems() const override { return index_.problems(); }
  bool skip_unreadable() const override { return options_.on_error == "skip"; }
  /// Names, and per video the number of images or the size of the .npz.
  std::string Fingerprint() const override;

 private:
  /// Those of dataset.list, or else all; in the order of names.
  std::vector<Video> ChooseVideos(const std::function<void(std::string_view)>& log);
  void AddVideo(const Video& video);
  std::filesystem::path PathOf(const std::string& video) const;
  std::unique_ptr<VideoFrames> Open(const std::string& video) const;
  std::int64_t CountFrames(const Video& video);

  Options options_;
  Form form_ = Form::kImages;
  std::map<std::string, std::int64_t> listed_frames_;  ///< that the index relies on
  clips::VideoClips index_;
};

}  // namespace cross4d::ntu_rgbd60
