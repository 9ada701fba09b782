// SPDX-License-Identifier: Apache-2.0
#include "utd_mhad.h"

#include "core/clips/depth_camera.h"
#include "core/clips/fingerprint.h"
#include "core/clips/sample.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "index.h"
#include "mat5.h"
#include "skeleton.h"

namespace cross4d::utd_mhad {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kRows = 240, kColumns = 320, kPixels = kRows * kColumns;
// Kinect 1; measured on the skeletons, residual 0.25 px. Depth in millimetres, points in metres.
constexpr clips::DepthCamera kCamera{285.63f, 160.0f, 120.0f, 0.001f};
// Enough compressed bytes for the array's dimensions.
constexpr std::size_t kHeaderBytes = 4096;

constexpr std::array<const char*, 27> kActionNames{"swipe left",
                                                   "swipe right",
                                                   "wave",
                                                   "clap",
                                                   "throw",
                                                   "arm cross",
                                                   "basketball shoot",
                                                   "draw x",
                                                   "draw circle clockwise",
                                                   "draw circle counter-clockwise",
                                                   "draw triangle",
                                                   "bowling",
                                                   "boxing",
                                                   "baseball swing",
                                                   "tennis swing",
                                                   "arm curl",
                                                   "tennis serve",
                                                   "push",
                                                   "knock",
                                                   "catch",
                                                   "pick up and throw",
                                                   "jog",
                                                   "walk",
                                                   "sit to stand",
                                                   "stand to sit",
                                                   "lunge",
                                                   "squat"};

// Pixels with a depth; position = column * 240 + row, as stored.
void FindValid(const std::vector<std::uint16_t>& depth, std::vector<std::uint32_t>& valid) {
  valid.clear();
  for (std::size_t i = 0; i < depth.size(); i += 4) {
    std::uint64_t four = 0;  // most of an image is background: look at four pixels at once
    std::memcpy(&four, &depth[i], sizeof four);
    if (four == 0) continue;
    for (std::size_t j = i; j < i + 4; ++j) {
      if (depth[j] != 0) valid.push_back(static_cast<std::uint32_t>(j));
    }
  }
}

// Points of one frame into `xyz` [points, 3]; false = the frame has no valid pixel.
bool SampleFrame(const std::vector<std::uint16_t>& depth,
                 std::vector<std::uint32_t>& valid,
                 std::int64_t points,
                 RandomStream random,
                 float* xyz) {
  FindValid(depth, valid);
  if (!clips::SamplePoints(points, random, &valid)) return false;
  for (const std::uint32_t position : valid) {
    kCamera.Unproject(static_cast<float>(position / kRows),
                      static_cast<float>(position % kRows),
                      static_cast<float>(depth[position]),
                      xyz);
    xyz += 3;
  }
  return true;
}

std::int64_t FrameCount(const MatArray& video) {
  const auto& dims = video.dims();
  if (dims.size() > 3 || dims[0] != kRows || dims[1] != kColumns) {
    video.Fail("array of " + video.DimsText() + ", expected 240 rows x 320 columns x frames");
  }
  return dims.size() == 3 ? dims[2] : 1;
}

}  // namespace

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("root", &Options::root, "The UTD-MHAD folder: the one that holds Depth/ and Skeleton/.")
      .Location()
      .Required();
  t.Add("split",
        &Options::split,
        "`official`: odd subjects train, even ones test; `validation`: odd subjects only, of which "
        "validation_subjects test.")
      .Choices({"official", "validation"});
  t.Add("validation_subjects",
        &Options::validation_subjects,
        "Training subjects (odd numbers) held out by the split `validation`.")
      .Range(1, 8);
  clips::AddFrameOptions(&t);
  t.Add("points", &Options::points, "Points per frame (N).").Range(1, 65536);
  t.Add("sample_seed", &Options::sample_seed, "Seed of which pixels a frame keeps.").AtLeast(0);
  t.Add("part_labels", &Options::part_labels, "Label points by the nearest bone of Skeleton/.");
  clips::AddOnError(&t);
  return t;
}

UtdMhad::UtdMhad(const Options& options, const PluginContext& context)
    : options_(options), index_(options, options.on_error == "skip") {
  const auto held_out = [&](std::int64_t subject) {
    const auto& list = options.validation_subjects;
    return std::find(list.begin(), list.end(), subject) != list.end();
  };
  const bool validation = options.split == "validation";
  for (const std::int64_t subject : options.validation_subjects) {
    if (validation && subject % 2 == 0) {
      FailInput("dataset.validation_subjects has " + std::to_string(subject) +
                ", a test subject; expected odd numbers");
    }
  }
  for (const Video& video : ListVideos(options.root)) {
    const std::string file = DepthFile(video.id()).string();
    if (video.action > static_cast<std::int64_t>(kActionNames.size())) {
      FailInput(file + ": action " + std::to_string(video.action) + ", expected 1 to 27");
    }
    const bool odd = video.subject % 2 == 1;
    if (validation && !odd) continue;
    ClipInfo info;
    info.video = video.id();
    info.label = video.action - 1;
    info.subject = video.subject;
    const bool train = validation ? !held_out(video.subject) : odd;
    info.split = train ? Split::kTrain : Split::kTest;
    index_.Add(
        info, file, [&] { return FrameCount(MatArray(file, MatType::kUint16, kHeaderBytes)); });
  }
  index_.Report(context.log);
}

fs::path UtdMhad::DepthFile(const std::string& video) const {
  return fs::path(options_.root) / "Depth" / (video + "_depth.mat");
}

fs::path UtdMhad::SkeletonFile(const std::string& video) const {
  return fs::path(options_.root) / "Skeleton" / (video + "_skeleton.mat");
}

std::optional<Skeleton> UtdMhad::LoadSkeleton(const std::string& video, std::int64_t frames) const {
  if (!options_.part_labels) return std::nullopt;
  const std::string file = SkeletonFile(video).string();
  Skeleton skeleton(file);
  if (skeleton.frames() != frames) {
    FailInput(file + ": " + std::to_string(skeleton.frames()) + " frames, expected " +
              std::to_string(frames) + " as in the depth file");
  }
  return skeleton;
}

Clip UtdMhad::Load(std::int64_t index) const {
  const std::string& id = index_.clips().at(static_cast<std::size_t>(index)).video;
  MatArray video(DepthFile(id).string(), MatType::kUint16);
  const std::int64_t total = FrameCount(video);
  const std::optional<Skeleton> skeleton = LoadSkeleton(id, total);

  Clip clip;
  clip.points = torch::empty({options_.frames, options_.points, 3}, torch::kFloat32);
  if (skeleton) clip.part_labels = torch::empty({options_.frames, options_.points}, torch::kInt64);
  const std::vector<std::int64_t> chosen = index_.Frames(index, total);
  std::vector<bool> empty(chosen.size(), false);
  std::vector<std::uint16_t> depth(kPixels);
  std::vector<std::uint32_t> valid;
  std::size_t next = 0;
  for (std::int64_t frame = 0; frame < total; ++frame) {
    video.Read(depth.data(),
               kPixels * sizeof(std::uint16_t),
               "frame " + std::to_string(frame) + " of " + std::to_string(total));
    for (; next < chosen.size() && chosen[next] == frame; ++next) {
      const auto first = static_cast<std::int64_t>(next) * options_.points;
      float* xyz = clip.points.data_ptr<float>() + 3 * first;
      const RandomStream random = clips::FrameRandom(options_.sample_seed, id, frame);
      empty[next] = !SampleFrame(depth, valid, options_.points, random, xyz);
      if (skeleton && !empty[next]) {
        std::int64_t* labels = clip.part_labels.data_ptr<std::int64_t>() + first;
        skeleton->Label(frame, xyz, options_.points, labels);
      }
    }
  }
  video.Finish();
  if (!clips::FillEmptyFrames(empty, &clip)) {
    video.Fail("none of the clip's " + std::to_string(options_.frames) +
               " frames has a valid pixel (depth > 0)");
  }
  return clip;
}

std::vector<std::string> UtdMhad::class_names() const {
  return {kActionNames.begin(), kActionNames.end()};
}

std::vector<std::string> UtdMhad::part_names() const {
  if (!options_.part_labels) return {};
  return {kPartNames.begin(), kPartNames.end()};
}

std::string UtdMhad::Fingerprint() const {
  clips::FolderFingerprint fingerprint;
  const std::string* last = nullptr;
  for (const ClipInfo& clip : index_.clips()) {
    if (last != nullptr && *last == clip.video) continue;
    last = &clip.video;
    fingerprint.Add(DepthFile(clip.video));
    if (options_.part_labels) fingerprint.Add(SkeletonFile(clip.video));
  }
  return fingerprint.Text();
}

}  // namespace cross4d::utd_mhad

CROSS4D_PLUGIN(dataset,
               Dataset,
               "utd-mhad",
               "1.1.0",
               "UTD-MHAD: 861 Kinect depth videos, 27 actions, 8 subjects.",
               "part-labels",
               "",
               cross4d::utd_mhad::UtdMhad,
               cross4d::utd_mhad::DescribeOptions)
