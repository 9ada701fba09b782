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

namespace cross4d::dt4d_animals {

struct Options : clips::FrameOptions {
  Options() { frames = 16; }

  std::string root;
  std::string label = "category";
  std::string split = "cross-identity";
  std::int64_t points = 2048;
  std::int64_t sample_seed = 0;
  std::string normalise = "unit-sphere";
  std::string on_error = "fail";
};

OptionTable<Options> DescribeOptions();

/// The animal sequences of DeformingThings4D; see README.md.
/// Axes: x to the animal's left, y to its back, z up.
class Dt4dAnimals : public Dataset {
 public:
  Dt4dAnimals(const Options& options, const PluginContext& context);

  const std::vector<ClipInfo>& clips() const override { return index_.clips(); }
  Clip Load(std::int64_t index) const override;
  /// From the front, 20 degrees above the ground.
  Viewpoint viewpoint() const override;
  std::vector<std::string> class_names() const override { return class_names_; }
  std::vector<FileProblem> problems() const override { return index_.problems(); }
  bool skip_unreadable() const override { return options_.on_error == "skip"; }
  std::string Fingerprint() const override;

 private:
  const std::string& LabelOf(const SequenceName& name) const;
  void AddSequences(const std::vector<Sequence>& sequences);
  void ListProblems(const Index& index);

  Options options_;
  std::map<std::string, std::filesystem::path> files_;  ///< of each sequence
  std::vector<std::string> class_names_;
  clips::VideoClips index_;
};

}  // namespace cross4d::dt4d_animals
