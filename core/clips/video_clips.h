// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clips/frames.h"
#include "core/clips/sample.h"

#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/error.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cross4d::clips {

/// Adds the row `on_error` to a table whose struct has that member ("fail" by default).
template <class S>
void AddOnError(OptionTable<S>* table) {
  table
      ->Add("on_error",
            &S::on_error,
            "What an unreadable file does: `fail`: stops with an error; `skip`: its clips are left "
            "out and reported.")
      .Choices({"fail", "skip"});
}

/// Frames of `clip` where `empty` says so take points and labels of the nearest frame that is not
/// (the earlier of two). False: all are empty.
inline bool FillEmptyFrames(const std::vector<bool>& empty, Clip* clip) {
  const std::vector<std::int64_t> sources = FrameSources(empty);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto to = static_cast<std::int64_t>(i);
    if (sources[i] == to) continue;
    clip->points[to].copy_(clip->points[sources[i]]);
    if (clip->part_labels.defined()) clip->part_labels[to].copy_(clip->part_labels[sources[i]]);
  }
  return !sources.empty();
}

/// The index of a data set made of videos: turns each into its clips by FrameOptions. The one part
/// of this kit that needs LibTorch's headers (dataset.h).
class VideoClips {
 public:
  VideoClips() = default;
  /// Error(kInput) on bad options.
  VideoClips(FrameOptions options, bool skip_unreadable)
      : options_(std::move(options)), skip_(skip_unreadable) {
    CheckFrameOptions(options_);
  }

  /// Adds the clips of `video` (its `id` is set here). `count_frames` is called only where the
  /// options need the video's length; `file` is for problems().
  void Add(ClipInfo video,
           const std::string& file,
           const std::function<std::int64_t()>& count_frames) {
    ++videos_;
    std::vector<std::int64_t> starts = {kCentre};
    if (NeedsFrameCounts(options_)) {
      try {
        starts = ClipStarts(options_, count_frames());
      } catch (const Error& e) {
        if (!skip_ || e.code() != ErrorCode::kInput) throw;
        problems_.push_back({file, e.message()});
        return;
      }
    }
    if (starts.empty()) ++dropped_;
    for (const std::int64_t start : starts) {
      video.id = ClipId(options_, video.video, start);
      clips_.push_back(video);
      starts_.push_back(start);
    }
  }

  /// For what the index sees besides unreadable videos.
  void AddProblem(std::string file, std::string what) {
    problems_.push_back({std::move(file), std::move(what)});
  }

  /// Says how many videos legacy_drop_short left out; published loaders drop them silently.
  void Report(const std::function<void(std::string_view)>& log) const {
    if (!options_.legacy_drop_short || !log) return;
    log("legacy_drop_short: " + std::to_string(dropped_) + " of " + std::to_string(videos_) +
        " videos are shorter than a clip and left out");
  }

  const std::vector<ClipInfo>& clips() const { return clips_; }
  const std::vector<FileProblem>& problems() const { return problems_; }
  std::int64_t dropped() const { return dropped_; }
  /// Frames of clip `index` in its video of `total` frames.
  std::vector<std::int64_t> Frames(std::int64_t index, std::int64_t total) const {
    const std::int64_t start = starts_.at(static_cast<std::size_t>(index));
    return ClipFrames(
        options_, total, start == kCentre ? ClipStarts(options_, total).front() : start);
  }

 private:
  static constexpr std::int64_t kCentre = -1;  ///< found when the clip is read

  FrameOptions options_;
  bool skip_ = false;
  std::vector<ClipInfo> clips_;
  std::vector<std::int64_t> starts_;  ///< of each clip
  std::vector<FileProblem> problems_;
  std::int64_t videos_ = 0, dropped_ = 0;
};

}  // namespace cross4d::clips
