// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/dataset.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace cross4d::data {

/// A data set as the stages see it: without the clips that cannot be read, if it asks for that
/// (Dataset::skip_unreadable), else as it is. Every stage finds the same clips, since a clip's Load
/// depends on the data and the options alone.
class ReadableClips : public Dataset {
 public:
  /// Called in between, from the caller's thread, with the number of clips looked at; may throw.
  using Progress = std::function<void(std::int64_t done)>;
  struct Skipped {
    std::string clip, why;
  };

  /// Reads every clip once if the data set skips; with `train_only` the test clips are not read and
  /// stay in. `dataset` outlives the object. Errors other than Error(kInput) come out, and
  /// Error(kInput) if no clip is left.
  ReadableClips(const Dataset& dataset, bool train_only, int threads, const Progress& progress);

  /// In the order of the clips.
  const std::vector<Skipped>& skipped() const { return skipped_; }

  const std::vector<ClipInfo>& clips() const override { return clips_; }
  Clip Load(std::int64_t index) const override {
    return dataset_.Load(source_.at(static_cast<std::size_t>(index)));
  }
  Viewpoint viewpoint() const override { return dataset_.viewpoint(); }
  std::vector<std::string> class_names() const override { return dataset_.class_names(); }
  std::vector<std::string> part_names() const override { return dataset_.part_names(); }
  std::vector<FileProblem> problems() const override { return dataset_.problems(); }
  std::string Fingerprint() const override { return dataset_.Fingerprint(); }

 private:
  const Dataset& dataset_;
  std::vector<ClipInfo> clips_;
  std::vector<std::int64_t> source_;  ///< index of clips_ in the data set
  std::vector<Skipped> skipped_;
};

}  // namespace cross4d::data
