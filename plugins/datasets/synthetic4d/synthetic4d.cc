// SPDX-License-Identifier: Apache-2.0
#include "synthetic4d.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>
#include <cross4d/sdk/random.h>

#include <algorithm>
#include <array>
#include <utility>

#include "actions.h"
#include "body.h"
#include "sensor.h"

namespace cross4d::synthetic4d {
namespace {

constexpr std::array<const char*, kPartCount> kTenParts{"head",
                                                        "torso",
                                                        "left upper arm",
                                                        "left forearm",
                                                        "right upper arm",
                                                        "right forearm",
                                                        "left thigh",
                                                        "left shin",
                                                        "right thigh",
                                                        "right shin"};
constexpr std::array<const char*, 6> kSixParts{
    "head", "torso", "upper arm", "forearm", "thigh", "shin"};
constexpr std::array<std::int64_t, kPartCount> kSixOfTen{0, 1, 2, 3, 2, 3, 4, 5, 4, 5};

// Streams for different purposes never share numbers.
enum Purpose : std::uint64_t { kBodyShape = 1, kPerson, kClip, kSurface, kScene, kNoise, kSample };

// What a clip's random numbers say about it, before any frame is made.
struct Scene {
  Body body;
  Style style;
  std::vector<SurfacePoint> surface;
  bool mirrored = false;
  double yaw = 0;          // [rad]
  double time_offset = 0;  // [clips]
};

Scene MakeScene(const Options& o, std::int64_t subject, std::int64_t action, std::uint64_t clip) {
  const auto seed = static_cast<std::uint64_t>(o.seed);
  const auto person = static_cast<std::uint64_t>(subject);
  Scene scene;
  scene.body = MakeBody(RandomStream(MixSeed({seed, kBodyShape, person})));
  // A person has one style per action: how one waves says little about how one kicks.
  scene.style =
      MakeStyle(o.style,
                RandomStream(MixSeed({seed, kPerson, person, static_cast<std::uint64_t>(action)})),
                RandomStream(MixSeed({seed, kClip, clip})));
  scene.surface =
      SampleSurface(scene.body, o.surface_points, RandomStream(MixSeed({seed, kSurface, clip})));
  RandomStream random(MixSeed({seed, kScene, clip}));
  const bool left = RandomStream(MixSeed({seed, kPerson, person})).Uniform() < o.left_handed;
  scene.mirrored = left != (random.Uniform() < o.mirrored);
  scene.yaw = random.Uniform(-o.yaw, o.yaw) * kPi / 180;
  scene.time_offset = random.Uniform(-o.time_offset, o.time_offset);
  return scene;
}

std::vector<Vec3> PlaceSurface(const Options& o,
                               const Scene& scene,
                               std::int64_t action,
                               double time) {
  Pose pose = ActionPose(action, time, scene.style);
  if (scene.mirrored) pose = pose.Mirrored();
  const BodyFrames frames = PlaceBody(scene.body, pose, scene.yaw);
  std::vector<Vec3> world(static_cast<std::size_t>(o.surface_points));
  for (std::size_t i = 0; i < world.size(); ++i) {
    const PartFrame& frame = frames[scene.surface[i].part];
    world[i] = frame.origin + frame.rotation * scene.surface[i].local;
  }
  return world;
}

// `count` of `from`, without replacement; all of them several times over where there are too few.
std::vector<std::int32_t> Sample(std::vector<std::int32_t> from,
                                 std::int64_t count,
                                 RandomStream random) {
  std::vector<std::int32_t> result;
  result.reserve(static_cast<std::size_t>(count));
  while (static_cast<std::int64_t>(result.size() + from.size()) <= count) {
    result.insert(result.end(), from.begin(), from.end());
  }
  const auto rest = static_cast<std::size_t>(count) - result.size();
  for (std::size_t i = 0; i < rest; ++i) {
    std::swap(from[i], from[i + random.Below(from.size() - i)]);
    result.push_back(from[i]);
  }
  return result;
}

}  // namespace

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("split",
        &Options::split,
        "`official`: the first half of the subjects trains, the second tests; `validation`: within "
        "the "
        "training subjects, the last fifth of them tests.")
      .Choices({"official", "validation"});
  t.Add("seed",
        &Options::seed,
        "Seed of everything synthetic: bodies, styles, scenes, sensor noise.")
      .AtLeast(0);
  t.Add("sample_seed", &Options::sample_seed, "Seed of which visible points a frame keeps.")
      .AtLeast(0);
  t.Add("subjects", &Options::subjects, "Number of persons.").Range(4, 1000);
  t.Add("actions", &Options::actions, "Number of actions: the first ones of the list.")
      .Range(2, 10);
  t.Add("repetitions", &Options::repetitions, "Clips per person and action.").Range(1, 1000);
  t.Add("frames", &Options::frames, "Frames per clip (T).").Range(2, 256);
  t.Add("points", &Options::points, "Points per frame (N).").Range(1, 65536);
  t.Add("surface_points",
        &Options::surface_points,
        "Points fixed to a clip's body surface, of which the camera sees some.")
      .Range(100, 200000);
  t.Add("parts",
        &Options::parts,
        "Part labels: every limb half by itself, or left and right merged.")
      .Choices({"ten", "six"});
  t.Add("yaw", &Options::yaw, "A clip's body faces the camera turned by up to this much.")
      .Range(0, 180)
      .Unit("deg");
  t.Add("time_offset",
        &Options::time_offset,
        "The action starts earlier or later by up to this much.")
      .Range(0, 1)
      .Unit("clips");
  t.Add("style", &Options::style, "Spread of amplitude, tempo and posture between persons.")
      .Range(0, 1);
  t.Add("left_handed", &Options::left_handed, "Share of persons who act with the left side.")
      .Range(0, 1);
  t.Add("mirrored", &Options::mirrored, "Share of clips done with the other side than usual.")
      .Range(0, 1);
  t.Add("noise_depth", &Options::noise_depth, "Standard deviation of the noise along the view.")
      .Range(0, 1)
      .Unit("m");
  t.Add(
       "noise_lateral", &Options::noise_lateral, "Standard deviation of the noise across the view.")
      .Range(0, 1)
      .Unit("m");
  t.Add("distance", &Options::distance, "From the camera to the body.").Range(1.5, 20).Unit("m");
  return t;
}

Synthetic4D::Synthetic4D(const Options& options, const PluginContext& /*context*/)
    : options_(options) {
  const bool validation = options.split == "validation";
  const std::int64_t half = options.subjects / 2;
  const std::int64_t subjects = validation ? half : options.subjects;
  const std::int64_t first_test = validation ? half - std::max<std::int64_t>(1, half / 5) : half;
  for (std::int64_t subject = 0; subject < subjects; ++subject) {
    for (std::int64_t action = 0; action < options.actions; ++action) {
      for (std::int64_t repetition = 0; repetition < options.repetitions; ++repetition) {
        ClipInfo info;
        info.id.append("s")
            .append(std::to_string(subject))
            .append("_")
            .append(kActionNames[action]);
        info.id.append("_").append(std::to_string(repetition));
        info.video = info.id;
        info.label = action;
        info.subject = subject;
        info.split = subject < first_test ? Split::kTrain : Split::kTest;
        clips_.push_back(std::move(info));
        places_.push_back({subject, action, repetition});
      }
    }
  }
}

Clip Synthetic4D::Load(std::int64_t index) const {
  const ClipInfo& info = clips_.at(static_cast<std::size_t>(index));
  const Place& place = places_[static_cast<std::size_t>(index)];
  const std::uint64_t clip_number = HashText(info.id);
  const Scene scene = MakeScene(options_, place.subject, place.action, clip_number);

  Clip clip;
  clip.points = torch::empty({options_.frames, options_.points, 3}, torch::kFloat32);
  clip.part_labels = torch::empty({options_.frames, options_.points}, torch::kInt64);
  clip.correspondence = torch::empty({options_.frames, options_.points}, torch::kInt64);
  auto* xyz = clip.points.data_ptr<float>();
  auto* part = clip.part_labels.data_ptr<std::int64_t>();
  auto* id = clip.correspondence.data_ptr<std::int64_t>();
  for (std::int64_t frame = 0; frame < options_.frames; ++frame) {
    const double time = static_cast<double>(frame) / static_cast<double>(options_.frames - 1);
    const std::vector<Vec3> world =
        PlaceSurface(options_, scene, place.action, time + scene.time_offset);
    std::vector<std::int32_t> visible = VisiblePoints({options_.distance}, world);
    if (visible.empty()) {
      FailInput("synthetic4d: frame " + std::to_string(frame) + " of clip " + info.id +
                " has no point before the camera; raise dataset.distance");
    }
    const auto frame_number = static_cast<std::uint64_t>(frame);
    const RandomStream sampling(MixSeed(
        {static_cast<std::uint64_t>(options_.sample_seed), kSample, clip_number, frame_number}));
    for (const std::int32_t i : Sample(std::move(visible), options_.points, sampling)) {
      // Noise belongs to the point, so that another sample of the same frame sees the same sensor.
      RandomStream noise(MixSeed({static_cast<std::uint64_t>(options_.seed),
                                  kNoise,
                                  clip_number,
                                  frame_number,
                                  static_cast<std::uint64_t>(i)}));
      *xyz++ = static_cast<float>(world[i].x + options_.noise_lateral * noise.Normal());
      *xyz++ = static_cast<float>(world[i].y + options_.noise_lateral * noise.Normal());
      *xyz++ = static_cast<float>(world[i].z + options_.noise_depth * noise.Normal());
      const std::int64_t ten = scene.surface[i].part;
      *part++ = options_.parts == "ten" ? ten : kSixOfTen[ten];
      *id++ = i;
    }
  }
  return clip;
}

std::vector<std::string> Synthetic4D::class_names() const {
  return {kActionNames.begin(), kActionNames.begin() + options_.actions};
}

std::vector<std::string> Synthetic4D::part_names() const {
  if (options_.parts == "ten") return {kTenParts.begin(), kTenParts.end()};
  return {kSixParts.begin(), kSixParts.end()};
}

}  // namespace cross4d::synthetic4d

CROSS4D_PLUGIN(dataset,
               Dataset,
               "synthetic4d",
               "1.0.0",
               "Procedural articulated bodies before a depth camera; made in code, no download.",
               "part-labels,correspondence",
               "",
               cross4d::synthetic4d::Synthetic4D,
               cross4d::synthetic4d::DescribeOptions)
