// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clips/video_clips.h"

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/option.h>
#include <cross4d/sdk/random.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sequences.h"

namespace cross4d::hoi4d {

struct Options : clips::FrameOptions {
  std::string root;
  std::string task = "semantic";
  std::string form = "auto";
  std::string split = "holdout";
  std::vector<std::int64_t> ignore_classes = {0, 1};
  std::int64_t points = 2048;
  std::int64_t sample_seed = 0;
  std::string normalise = "metres";
  std::string on_error = "fail";
};

OptionTable<Options> DescribeOptions();

/// HOI4D's 4D semantic segmentation and action segmentation; see README.md.
/// Axes: those of the stored points (metres; the first camera's as far as is known: x right, y
/// down, z forward).
class Hoi4d : public Dataset {
 public:
  Hoi4d(const Options& options, const PluginContext& context);

  const std::vector<ClipInfo>& clips() const override { return index_.clips(); }
  Clip Load(std::int64_t index) const override;
  Viewpoint viewpoint() const override { return {{0, 0, 1}, {0, -1, 0}}; }
  std::vector<std::string> class_names() const override;
  std::vector<std::string> part_names() const override { return part_names_; }
  std::vector<FileProblem> problems() const override { return index_.problems(); }
  bool skip_unreadable() const override { return options_.on_error == "skip"; }
  std::string Fingerprint() const override;

 private:
  void AddSequences();
  /// Draws the points of a frame and their labels; false = it has none.
  bool SampleFrame(const FramePoints& frame,
                   RandomStream random,
                   float* xyz,
                   std::int64_t* labels) const;
  std::int64_t PartLabel(const FramePoints& frame, std::size_t point) const;

  Options options_;
  std::vector<std::string> part_names_;
  std::unique_ptr<Sequences> sequences_;
  clips::VideoClips index_;
  std::vector<std::size_t> sequence_of_;  ///< of each clip
};

}  // namespace cross4d::hoi4d
