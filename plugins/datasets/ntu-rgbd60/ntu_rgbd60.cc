// SPDX-License-Identifier: Apache-2.0
#include "ntu_rgbd60.h"

#include "core/clips/fingerprint.h"
#include "core/clips/normalise.h"
#include "core/clips/sample.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>

#include <algorithm>
#include <cstring>

namespace cross4d::ntu_rgbd60 {
namespace {

namespace fs = std::filesystem;

// The published loaders' unit: 16-bit depth / 65535 * 100.
constexpr float kMetresPerPublishedUnit = 0.65535f;

bool Contains(const std::vector<std::int64_t>& list, std::int64_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

void CheckOptions(const Options& options) {
  if (options.split != "validation") return;
  for (const std::int64_t subject : options.validation_subjects) {
    if (IsTrainingSubject(subject)) continue;
    std::string known;
    for (const std::int64_t s : TrainingSubjects()) {
      known += (known.empty() ? "" : ", ") + std::to_string(s);
    }
    FailInput("dataset.validation_subjects has " + std::to_string(subject) +
              ", expected training subjects of the cross-subject protocol: " + known);
  }
}

// Points of every frame of the clip into `xyz`; the result says which frames have none.
std::vector<bool> SampleFrames(VideoFrames* video,
                               const std::vector<std::int64_t>& frames,
                               const Options& options,
                               const std::string& id,
                               float* xyz) {
  const std::int64_t size = 3 * options.points;
  std::vector<bool> empty;
  std::vector<std::uint32_t> picked;
  for (std::size_t i = 0; i < frames.size(); ++i, xyz += size) {
    if (i > 0 && frames[i] == frames[i - 1]) {  // a padded video repeats its last frame
      empty.push_back(empty.back());
      std::copy(xyz - size, xyz, xyz);
      continue;
    }
    clips::AllRows(video->Open(frames[i]), &picked);
    const RandomStream random = clips::FrameRandom(options.sample_seed, id, frames[i]);
    empty.push_back(!clips::SamplePoints(options.points, random, &picked));
    if (!empty.back()) video->Take(picked, xyz);
  }
  return empty;
}

}  // namespace

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("root",
        &Options::root,
        "The folder with one folder of MDepth-*.png per video (nturgb+d_depth_masked), or with one "
        ".npz of points per video.")
      .Location()
      .Required();
  t.Add("form",
        &Options::form,
        "`images`: masked depth; `points`: PSTNet's .npz files; `auto`: what is there.")
      .Choices({"auto", "images", "points"});
  t.Add("list",
        &Options::list,
        "A file `name frames` per line (PSTNet's ntu60.list): only these videos are used, and none "
        "needs to be opened for its number of frames. Empty = all videos.")
      .Location();
  t.Add("split",
        &Options::split,
        "`cross-subject`: 20 of 40 performers train; `cross-view`: cameras 2 and 3 train, camera 1 "
        "tests; `validation`: the 20 training performers only, of which validation_subjects test.")
      .Choices({"cross-subject", "cross-view", "validation"});
  t.Add("validation_subjects",
        &Options::validation_subjects,
        "Training performers held out by the split `validation`.")
      .Range(1, 40);
  t.Add("exclude_missing_skeletons",
        &Options::exclude_missing_skeletons,
        "Leave out the 302 videos without whole skeletons, as skeleton papers do.");
  clips::AddFrameOptions(&t);
  t.Add("points", &Options::points, "Points per frame (N).").Range(1, 65536);
  t.Add("sample_seed", &Options::sample_seed, "Seed of which points a frame keeps.").AtLeast(0);
  t.Add("intrinsics",
        &Options::intrinsics,
        "`published`: f = 280, centre (256, 212), as point-cloud papers guess; `metric`: f = "
        "365.481, centre (257.346, 210.347).")
      .Choices({"published", "metric"});
  t.Add("normalise",
        &Options::normalise,
        "`unit-sphere`: the clip's centre to the origin, its farthest point at 1 (P4Transformer); "
        "`published-unit`: 1 = 655.35 mm (PSTNet); `metres`.")
      .Choices({"unit-sphere", "published-unit", "metres"});
  clips::AddOnError(&t);
  return t;
}

NtuRgbd60::NtuRgbd60(const Options& options, const PluginContext& context)
    : options_(options), index_(options, options.on_error == "skip") {
  CheckOptions(options);
  for (const Video& video : ChooseVideos(context.log)) {
    if (options.split == "validation" && !IsTrainingSubject(video.performer)) continue;
    if (options.exclude_missing_skeletons && HasMissingSkeleton(video)) continue;
    AddVideo(video);
  }
  index_.Report(context.log);
}

std::vector<Video> NtuRgbd60::ChooseVideos(const std::function<void(std::string_view)>& log) {
  Index found = ListVideos(options_.root, options_.form);
  form_ = found.form;
  if (found.more_videos > 0 && log) {
    log(std::to_string(found.more_videos) +
        " videos of the actions 61 to 120 (NTU RGB+D 120) are left out");
  }
  if (options_.list.empty()) return found.videos;
  std::vector<Video> listed = ReadList(options_.list);
  std::sort(listed.begin(), listed.end());
  std::erase_if(listed, [&](Video video) {
    const std::string file = PathOf(video.id()).string();
    video.frames = 0;
    if (std::binary_search(found.videos.begin(), found.videos.end(), video)) return false;
    const std::string what = "is missing, but listed in " + options_.list;
    if (options_.on_error != "skip") {
      FailInput(file + ": " + what + "; on_error = \"skip\" leaves out what is not there");
    }
    index_.AddProblem(file, what);
    return true;
  });
  return listed;
}

void NtuRgbd60::AddVideo(const Video& video) {
  ClipInfo info;
  info.video = video.id();
  info.label = video.action - 1;
  info.subject = video.performer;
  bool train = IsTrainingSubject(video.performer);
  if (options_.split == "cross-view") train = video.camera != 1;
  if (options_.split == "validation") {
    train = !Contains(options_.validation_subjects, video.performer);
  }
  info.split = train ? Split::kTrain : Split::kTest;
  index_.Add(info, PathOf(info.video).string(), [&] { return CountFrames(video); });
}

fs::path NtuRgbd60::PathOf(const std::string& video) const {
  return fs::path(options_.root) / (form_ == Form::kPoints ? video + ".npz" : video);
}

std::unique_ptr<VideoFrames> NtuRgbd60::Open(const std::string& video) const {
  const auto& camera = options_.intrinsics == "metric" ? kMetricCamera : kPublishedCamera;
  return form_ == Form::kPoints ? OpenPoints(PathOf(video), camera)
                                : OpenImages(PathOf(video), camera);
}

std::int64_t NtuRgbd60::CountFrames(const Video& video) {
  if (video.frames > 0) return listed_frames_[video.id()] = video.frames;
  const fs::path path = PathOf(video.id());
  return form_ == Form::kPoints ? CountPointFrames(path) : CountImages(path);
}

Clip NtuRgbd60::Load(std::int64_t index) const {
  const std::string& id = index_.clips().at(static_cast<std::size_t>(index)).video;
  const std::unique_ptr<VideoFrames> video = Open(id);
  const auto listed = listed_frames_.find(id);
  if (listed != listed_frames_.end() && listed->second != video->count()) {
    FailInput(PathOf(id).string() + ": has " + std::to_string(video->count()) + " frames, " +
              options_.list + " says " + std::to_string(listed->second));
  }
  const std::vector<std::int64_t> frames = index_.Frames(index, video->count());
  Clip clip;
  clip.points = torch::empty({options_.frames, options_.points, 3}, torch::kFloat32);
  auto* xyz = clip.points.data_ptr<float>();
  const std::vector<bool> empty = SampleFrames(video.get(), frames, options_, id, xyz);
  const std::vector<std::int64_t> sources = clips::FrameSources(empty);
  if (sources.empty()) {
    FailInput(PathOf(id).string() + ": none of the clip's " + std::to_string(frames.size()) +
              " frames has a point (depth > 0)");
  }
  const std::int64_t size = 3 * options_.points;
  for (std::int64_t i = 0; i < options_.frames; ++i) {
    const std::int64_t from = sources[static_cast<std::size_t>(i)];
    if (from != i) std::copy_n(xyz + from * size, size, xyz + i * size);
  }
  const std::int64_t count = options_.frames * options_.points;
  if (options_.normalise == "unit-sphere") clips::FitUnitSphere(count, xyz);
  if (options_.normalise == "published-unit") clips::Divide(kMetresPerPublishedUnit, count, xyz);
  return clip;
}

std::vector<std::string> NtuRgbd60::class_names() const {
  return {ActionNames().begin(), ActionNames().end()};
}

std::string NtuRgbd60::Fingerprint() const {
  clips::FolderFingerprint fingerprint;
  const std::string* last = nullptr;
  for (const ClipInfo& clip : index_.clips()) {
    if (last != nullptr && *last == clip.video) continue;
    last = &clip.video;
    const fs::path path = PathOf(clip.video);
    if (form_ == Form::kPoints) {
      fingerprint.Add(path);
      continue;
    }
    std::int64_t images = 0;
    std::error_code error;
    for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
      ++images;
    }
    fingerprint.Add(clip.video, static_cast<std::uint64_t>(images));
  }
  return fingerprint.Text();
}

}  // namespace cross4d::ntu_rgbd60

CROSS4D_PLUGIN(dataset,
               Dataset,
               "ntu-rgbd60",
               "1.0.0",
               "NTU RGB+D 60: 56,880 Kinect 2 depth videos, 60 actions, 40 subjects.",
               "",
               "",
               cross4d::ntu_rgbd60::NtuRgbd60,
               cross4d::ntu_rgbd60::DescribeOptions)
