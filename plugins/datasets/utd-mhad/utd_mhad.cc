// SPDX-License-Identifier: Apache-2.0
#include "utd_mhad.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/random.h>

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
// Kinect 1; measured on the skeletons, residual 0.25 px.
constexpr float kFocal = 285.63f, kCentreX = 160.0f, kCentreY = 120.0f;
constexpr float kMetresPerCount = 0.001f;

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

// Moves `count` randomly chosen entries to the front; the first n of a larger count are those of n.
void SampleToFront(std::vector<std::uint32_t>& valid, std::size_t count, RandomStream random) {
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(valid[i], valid[i + random.Below(valid.size() - i)]);
  }
}

void Unproject(std::uint32_t position, std::uint16_t depth, float* xyz) {
  const auto column = static_cast<float>(position / kRows),
             row = static_cast<float>(position % kRows);
  const float z = static_cast<float>(depth) * kMetresPerCount;
  xyz[0] = (column - kCentreX) * z / kFocal;
  xyz[1] = (row - kCentreY) * z / kFocal;
  xyz[2] = z;
}

// Points of one frame into `xyz` [points, 3]; false = the frame has no valid pixel.
bool SampleFrame(const std::vector<std::uint16_t>& depth,
                 std::vector<std::uint32_t>& valid,
                 std::int64_t points,
                 RandomStream random,
                 float* xyz) {
  FindValid(depth, valid);
  if (valid.empty()) return false;
  const std::size_t count = static_cast<std::size_t>(points);
  // Too few: all of them as often as they fit, then a random rest.
  const std::size_t rest = count % valid.size();
  SampleToFront(valid, count < valid.size() ? count : rest, random);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t position = valid[i % valid.size()];
    Unproject(position, depth[position], xyz + 3 * i);
  }
  return true;
}

// Frames without a valid pixel repeat the nearest one (in the clip) that has some.
void FillEmptyFrames(const std::vector<bool>& empty, Clip& clip) {
  const auto frames = static_cast<std::int64_t>(empty.size());
  for (std::int64_t i = 0; i < frames; ++i) {
    if (!empty[static_cast<std::size_t>(i)]) continue;
    for (std::int64_t gap = 1; gap < frames; ++gap) {
      std::int64_t from = -1;
      if (i - gap >= 0 && !empty[static_cast<std::size_t>(i - gap)]) {
        from = i - gap;
      } else if (i + gap < frames && !empty[static_cast<std::size_t>(i + gap)]) {
        from = i + gap;
      }
      if (from < 0) continue;
      clip.points[i].copy_(clip.points[from]);
      if (clip.part_labels.defined()) clip.part_labels[i].copy_(clip.part_labels[from]);
      break;
    }
  }
}

// round(i * (total - 1) / (frames - 1)), halves to the even number, as numpy's round(linspace()).
std::int64_t UniformFrame(std::int64_t i, std::int64_t frames, std::int64_t total) {
  if (frames == 1) return 0;
  const std::int64_t whole = i * (total - 1) / (frames - 1);
  const std::int64_t twice_rest = 2 * (i * (total - 1) % (frames - 1));
  const bool up = twice_rest > frames - 1 || (twice_rest == frames - 1 && whole % 2 == 1);
  return whole + (up ? 1 : 0);
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
  t.Add("frames", &Options::frames, "Frames per clip (T).").Range(1, 1024);
  t.Add("frame_mode",
        &Options::frame_mode,
        "`uniform`: spread over the whole video; `centre`: every stride-th frame around the "
        "middle, the "
        "last one repeated where the video is too short.")
      .Choices({"uniform", "centre"});
  t.Add("stride", &Options::stride, "Step between frames when frame_mode is `centre`.")
      .Range(1, 64)
      .Unit("frames");
  t.Add("points", &Options::points, "Points per frame (N).").Range(1, 65536);
  t.Add("sample_seed", &Options::sample_seed, "Seed of which pixels a frame keeps.").AtLeast(0);
  t.Add("part_labels", &Options::part_labels, "Label points by the nearest bone of Skeleton/.");
  return t;
}

std::vector<std::int64_t> ChooseFrames(const Options& options, std::int64_t total) {
  std::vector<std::int64_t> frames(static_cast<std::size_t>(options.frames));
  const std::int64_t span = (options.frames - 1) * options.stride + 1;
  const std::int64_t start = std::max<std::int64_t>(0, (total - span) / 2);
  for (std::int64_t i = 0; i < options.frames; ++i) {
    frames[static_cast<std::size_t>(i)] = options.frame_mode == "uniform"
                                              ? UniformFrame(i, options.frames, total)
                                              : std::min(start + i * options.stride, total - 1);
  }
  return frames;
}

UtdMhad::UtdMhad(const Options& options, const PluginContext& /*context*/) : options_(options) {
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
    if (video.action > static_cast<std::int64_t>(kActionNames.size())) {
      FailInput(DepthFile({video.id()}).string() + ": action " + std::to_string(video.action) +
                ", expected 1 to 27");
    }
    const bool odd = video.subject % 2 == 1;
    if (validation && !odd) continue;
    ClipInfo info;
    info.id = info.video = video.id();
    info.label = video.action - 1;
    info.subject = video.subject;
    const bool train = validation ? !held_out(video.subject) : odd;
    info.split = train ? Split::kTrain : Split::kTest;
    clips_.push_back(std::move(info));
  }
}

fs::path UtdMhad::DepthFile(const ClipInfo& clip) const {
  return fs::path(options_.root) / "Depth" / (clip.id + "_depth.mat");
}

fs::path UtdMhad::SkeletonFile(const ClipInfo& clip) const {
  return fs::path(options_.root) / "Skeleton" / (clip.id + "_skeleton.mat");
}

std::optional<Skeleton> UtdMhad::LoadSkeleton(const ClipInfo& clip, std::int64_t frames) const {
  if (!options_.part_labels) return std::nullopt;
  const std::string file = SkeletonFile(clip).string();
  Skeleton skeleton(file);
  if (skeleton.frames() != frames) {
    FailInput(file + ": " + std::to_string(skeleton.frames()) + " frames, expected " +
              std::to_string(frames) + " as in the depth file");
  }
  return skeleton;
}

Clip UtdMhad::Load(std::int64_t index) const {
  const ClipInfo& info = clips_.at(static_cast<std::size_t>(index));
  MatArray video(DepthFile(info).string(), MatType::kUint16);
  const std::int64_t total = FrameCount(video);
  const std::optional<Skeleton> skeleton = LoadSkeleton(info, total);

  Clip clip;
  clip.points = torch::empty({options_.frames, options_.points, 3}, torch::kFloat32);
  if (skeleton) clip.part_labels = torch::empty({options_.frames, options_.points}, torch::kInt64);
  const std::vector<std::int64_t> chosen = ChooseFrames(options_, total);
  std::vector<bool> empty(chosen.size(), false);
  std::vector<std::uint16_t> depth(kPixels);
  std::vector<std::uint32_t> valid;
  std::size_t next = 0;
  for (std::int64_t frame = 0; frame < total; ++frame) {
    video.Read(depth.data(),
               kPixels * sizeof(std::uint16_t),
               "frame " + std::to_string(frame) + " of " + std::to_string(total));
    for (; next < chosen.size() && chosen[next] == frame; ++next) {
      const auto row = static_cast<std::int64_t>(next);
      const RandomStream random(MixSeed({static_cast<std::uint64_t>(options_.sample_seed),
                                         HashText(info.video),
                                         static_cast<std::uint64_t>(frame)}));
      float* xyz = clip.points.data_ptr<float>() + row * options_.points * 3;
      empty[next] = !SampleFrame(depth, valid, options_.points, random, xyz);
      if (skeleton && !empty[next]) {
        skeleton->Label(frame,
                        xyz,
                        options_.points,
                        clip.part_labels.data_ptr<std::int64_t>() + row * options_.points);
      }
    }
  }
  video.Finish();
  if (std::all_of(empty.begin(), empty.end(), [](bool e) { return e; })) {
    video.Fail("none of the clip's " + std::to_string(options_.frames) +
               " frames has a valid pixel (depth > 0)");
  }
  FillEmptyFrames(empty, clip);
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
  std::uint64_t hash = 0;
  const auto add = [&hash](const fs::path& file) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(file, error);
    hash = MixSeed({hash, HashText(file.filename().string()), error ? 0 : size});
  };
  for (const ClipInfo& clip : clips_) {
    add(DepthFile(clip));
    if (options_.part_labels) add(SkeletonFile(clip));
  }
  constexpr char kHex[] = "0123456789abcdef";
  std::string text = std::to_string(clips_.size()) + " files, ";
  for (int shift = 60; shift >= 0; shift -= 4) text += kHex[(hash >> shift) & 15];
  return text;
}

}  // namespace cross4d::utd_mhad
