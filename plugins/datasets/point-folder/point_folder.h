// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clips/frames.h"
#include "core/clips/video_clips.h"

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/option.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "clips_csv.h"
#include "video.h"

namespace cross4d::point_folder {

struct Options : clips::FrameOptions {
  Options() { frame_mode = "uniform"; }

  std::string root;
  std::int64_t points = 2048;
  std::int64_t sample_seed = 0;
  std::string normalise = "none";
  double divisor = 1;
  std::vector<std::string> part_names;
  std::string forward = "+z", up = "-y";
  std::string on_error = "fail";
};

OptionTable<Options> DescribeOptions();

/// One's own data: a folder with clips.csv and a file or folder of points per clip; see README.md.
class PointFolder : public Dataset {
 public:
  PointFolder(const Options& options, const PluginContext& context);

  const std::vector<ClipInfo>& clips() const override { return clips_; }
  Clip Load(std::int64_t index) const override;
  Viewpoint viewpoint() const override;
  std::vector<std::string> class_names() const override { return table_.classes; }
  std::vector<std::string> part_names() const override { return options_.part_names; }
  std::vector<FileProblem> problems() const override { return index_.problems(); }
  bool skip_unreadable() const override { return options_.on_error == "skip"; }
  std::string Fingerprint() const override;

 private:
  bool labelled() const { return !options_.part_names.empty(); }
  void AddVideo(std::size_t row);
  /// Where the points of a row lie. Error(kInput) with file:line.
  std::filesystem::path FindPlace(const ClipLine& clip) const;
  void CheckLabels(const Cloud& cloud, const std::string& place, std::int64_t frame) const;
  void Sample(
      const Cloud& cloud, std::size_t row, std::int64_t frame, std::int64_t slot, Clip* clip) const;

  std::vector<bool> ReadFrames(const Video& video,
                               std::size_t row,
                               const std::vector<std::int64_t>& frames,
                               Clip* clip) const;

  Options options_;
  std::filesystem::path csv_;
  std::uint64_t csv_hash_ = 0;
  ClipsCsv table_;
  clips::VideoClips index_;  ///< its videos are the rows, by id
  std::vector<ClipInfo> clips_;
  std::vector<std::size_t> row_;               ///< of each clip
  std::vector<std::filesystem::path> places_;  ///< of each row; empty = left out
};

}  // namespace cross4d::point_folder
