// SPDX-License-Identifier: Apache-2.0
#include "msr_action3d.h"

#include "core/clips/depth_camera.h"
#include "core/clips/fingerprint.h"
#include "core/clips/normalise.h"
#include "core/clips/sample.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>

#include <algorithm>
#include <set>

#include "video_frames.h"

namespace cross4d::msr_action3d {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kTrainingSubjects = 5;  // 1 to 5
constexpr float kCountsPerPublishedUnit = 300;
// More missing videos than this are told as one number.
constexpr std::size_t kMostListed = 60;

bool Contains(const std::vector<std::int64_t>& list, std::int64_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool IsTraining(const Options& options, std::int64_t subject) {
  if (options.split == "odd-even") return subject % 2 == 1;
  if (options.split == "validation" && Contains(options.validation_subjects, subject)) return false;
  return subject <= kTrainingSubjects;
}

}  // namespace

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("root", &Options::root, "The folder that holds aAA_sSS_eEE_sdepth.bin or .npz files.")
      .Location()
      .Required();
  t.Add("form",
        &Options::form,
        "`depth`: the .bin files; `points`: the community's .npz files; `auto`: a video's .bin "
        "where there is one, else its .npz.")
      .Choices({"auto", "depth", "points"});
  t.Add("split",
        &Options::split,
        "`cross-subject`: subjects 1 to 5 train, 6 to 10 test; `odd-even`: odd ones train, even "
        "ones test; `validation`: subjects 1 to 5 only, of which validation_subjects test.")
      .Choices({"cross-subject", "odd-even", "validation"});
  t.Add("validation_subjects",
        &Options::validation_subjects,
        "Training subjects held out by the split `validation`.")
      .Range(1, kTrainingSubjects);
  clips::AddFrameOptions(&t);
  t.Add("points", &Options::points, "Points per frame (N).").Range(1, 65536);
  t.Add("sample_seed", &Options::sample_seed, "Seed of which pixels a frame keeps.").AtLeast(0);
  t.Add("intrinsics",
        &Options::intrinsics,
        "`published`: f = 280, as point-cloud papers guess; `metric`: f = 285.63, as the official "
        "skeletons measure.")
      .Choices({"published", "metric"});
  t.Add("normalise",
        &Options::normalise,
        "`published-unit`: 1 = 300 counts, no centring; `metres`: by depth_scale; `unit-sphere`: "
        "the clip's centre to the origin, its farthest point at 1.")
      .Choices({"published-unit", "metres", "unit-sphere"});
  t.Add("depth_scale", &Options::depth_scale, "Length of a depth count for normalise = `metres`.")
      .Range(1e-6, 1e3)
      .Unit("m");
  clips::AddOnError(&t);
  return t;
}

MsrAction3d::MsrAction3d(const Options& options, const PluginContext& context)
    : options_(options), index_(options, options.on_error == "skip") {
  const std::vector<VideoFile> files = ListVideos(options_.root, options_.form);
  for (const VideoFile& file : files) AddVideo(file);
  ListMissing(files);
  index_.Report(context.log);
}

void MsrAction3d::AddVideo(const VideoFile& file) {
  const Video& video = file.video;
  if (options_.split == "validation" && video.subject > kTrainingSubjects) return;
  ClipInfo info;
  info.video = video.id();
  info.label = video.action - 1;
  info.subject = video.subject;
  info.split = IsTraining(options_, video.subject) ? Split::kTrain : Split::kTest;
  files_[info.video] = file.path;
  index_.Add(info, file.path.string(), [&] { return CountFrames(file.path); });
}

void MsrAction3d::ListMissing(const std::vector<VideoFile>& files) {
  std::set<Video> there;
  for (const VideoFile& file : files) there.insert(file.video);
  std::vector<std::string> missing;
  for (const Video& video : OfficialVideos()) {
    if (!there.contains(video)) missing.push_back(video.id() + "_sdepth");
  }
  if (missing.size() > kMostListed) {
    index_.AddProblem(options_.root,
                      std::to_string(missing.size()) + " of the 567 published videos are missing");
    return;
  }
  const fs::path folder = files.front().path.parent_path();
  for (const std::string& name : missing) {
    index_.AddProblem((folder / name).string(), "is missing; the published set has this video");
  }
}

Clip MsrAction3d::Load(std::int64_t index) const {
  const std::string& id = index_.clips().at(static_cast<std::size_t>(index)).video;
  const fs::path& file = files_.at(id);
  const auto video = OpenVideo(file);
  clips::DepthCamera camera{options_.intrinsics == "metric" ? kMetricFocal : kPublishedFocal,
                            video->centre_x(),
                            video->centre_y(),
                            1};
  if (options_.normalise == "metres") camera.unit = static_cast<float>(options_.depth_scale);

  Clip clip;
  clip.points = torch::empty({options_.frames, options_.points, 3}, torch::kFloat32);
  float* xyz = clip.points.data_ptr<float>();
  std::vector<bool> empty;
  std::vector<Pixel> pixels;
  std::vector<std::uint32_t> picked;
  for (const std::int64_t frame : index_.Frames(index, video->count())) {
    video->Read(frame, &pixels);
    clips::AllRows(static_cast<std::int64_t>(pixels.size()), &picked);
    const RandomStream random = clips::FrameRandom(options_.sample_seed, id, frame);
    empty.push_back(!clips::SamplePoints(options_.points, random, &picked));
    for (std::size_t i = 0; i < picked.size(); ++i) {
      const Pixel& p = pixels[picked[i]];
      camera.Unproject(p.column, p.row, p.depth, xyz + 3 * i);
    }
    xyz += 3 * options_.points;
  }
  if (!clips::FillEmptyFrames(empty, &clip)) {
    FailInput(file.string() + ": none of the clip's " + std::to_string(options_.frames) +
              " frames has a valid point (depth > 0)");
  }
  Normalise(&clip);
  return clip;
}

void MsrAction3d::Normalise(Clip* clip) const {
  const std::int64_t count = options_.frames * options_.points;
  float* xyz = clip->points.data_ptr<float>();
  if (options_.normalise == "published-unit") clips::Divide(kCountsPerPublishedUnit, count, xyz);
  if (options_.normalise == "unit-sphere") clips::FitUnitSphere(count, xyz);
}

std::vector<std::string> MsrAction3d::class_names() const {
  return {kActionNames.begin(), kActionNames.end()};
}

std::string MsrAction3d::Fingerprint() const {
  clips::FolderFingerprint fingerprint;
  for (const auto& [video, file] : files_) fingerprint.Add(file);
  return fingerprint.Text();
}

}  // namespace cross4d::msr_action3d

CROSS4D_PLUGIN(dataset,
               Dataset,
               "msr-action3d",
               "1.0.0",
               "MSR-Action3D: 567 Kinect depth videos, 20 actions, 10 subjects.",
               "",
               "",
               cross4d::msr_action3d::MsrAction3d,
               cross4d::msr_action3d::DescribeOptions)
