// SPDX-License-Identifier: Apache-2.0
#include "synthetic4d.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <thread>

#include "actions.h"
#include "body.h"
#include "portable_math.h"
#include "sensor.h"

namespace cross4d::synthetic4d {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

Options Small() {
  Options o;
  o.subjects = 4;
  o.actions = 3;
  o.repetitions = 2;
  o.frames = 5;
  o.points = 64;
  o.surface_points = 800;
  return o;
}

bool SameClip(const Clip& a, const Clip& b) {
  return a.points.equal(b.points) && a.part_labels.equal(b.part_labels) &&
         a.correspondence.equal(b.correspondence);
}

std::map<std::pair<std::int64_t, Split>, int> CountBySubject(const Synthetic4D& data) {
  std::map<std::pair<std::int64_t, Split>, int> counts;
  for (const ClipInfo& clip : data.clips()) ++counts[{clip.subject, clip.split}];
  return counts;
}

TEST(Synthetic4D, SineMatchesTheLibrary) {
  for (double x = -40; x < 40; x += 0.0137) {
    EXPECT_NEAR(Sin(x), std::sin(x), 1e-13) << x;
    EXPECT_NEAR(Cos(x), std::cos(x), 1e-13) << x;
  }
}

TEST(Synthetic4D, DefaultCountsAndOfficialSplit) {
  const Synthetic4D data({}, {});
  EXPECT_THAT(data.clips(), SizeIs(600));
  EXPECT_THAT(data.class_names(), SizeIs(10));
  EXPECT_THAT(data.part_names(), SizeIs(10));
  const auto counts = CountBySubject(data);
  EXPECT_THAT(counts, SizeIs(20));
  for (std::int64_t s = 0; s < 20; ++s) {
    EXPECT_EQ(counts.at({s, s < 10 ? Split::kTrain : Split::kTest}), 30) << s;
  }
  std::set<std::string> ids;
  std::map<std::int64_t, int> labels;
  for (const ClipInfo& clip : data.clips()) {
    ids.insert(clip.id);
    ++labels[clip.label];
  }
  EXPECT_THAT(ids, SizeIs(600));
  for (std::int64_t label = 0; label < 10; ++label) EXPECT_EQ(labels[label], 60);
}

TEST(Synthetic4D, ValidationNeverSeesATestSubject) {
  Options o;
  o.split = "validation";
  const Synthetic4D data(o, {});
  const auto counts = CountBySubject(data);
  EXPECT_THAT(counts, SizeIs(10));
  for (std::int64_t s = 0; s < 10; ++s) {
    EXPECT_EQ(counts.at({s, s < 8 ? Split::kTrain : Split::kTest}), 30) << s;
  }
  // The same clips as in the official split, under another heading.
  const Synthetic4D official({}, {});
  EXPECT_EQ(data.clips()[17].id, official.clips()[17].id);
  EXPECT_TRUE(SameClip(data.Load(17), official.Load(17)));
}

TEST(Synthetic4D, ShapesAndTypes) {
  const Options o = Small();
  const Clip clip = Synthetic4D(o, {}).Load(3);
  EXPECT_THAT(clip.points.sizes(), ElementsAre(5, 64, 3));
  EXPECT_EQ(clip.points.scalar_type(), torch::kFloat32);
  EXPECT_THAT(clip.part_labels.sizes(), ElementsAre(5, 64));
  EXPECT_THAT(clip.correspondence.sizes(), ElementsAre(5, 64));
  EXPECT_TRUE(clip.points.isfinite().all().item<bool>());
  EXPECT_GE(clip.correspondence.min().item<std::int64_t>(), 0);
  EXPECT_LT(clip.correspondence.max().item<std::int64_t>(), 800);
}

TEST(Synthetic4D, SameInAnyOrderAndThread) {
  const Synthetic4D first(Small(), {}), second(Small(), {});
  const std::size_t count = first.clips().size();
  std::vector<Clip> forward(count), backward(count);
  std::thread other([&] {
    for (std::size_t i = count; i-- > 0;) backward[i] = second.Load(static_cast<std::int64_t>(i));
  });
  for (std::size_t i = 0; i < count; ++i) forward[i] = first.Load(static_cast<std::int64_t>(i));
  other.join();
  for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(SameClip(forward[i], backward[i])) << i;
}

TEST(Synthetic4D, SeedsChangeWhatTheyShould) {
  Options o = Small();
  const Clip base = Synthetic4D(o, {}).Load(0);
  o.sample_seed = 1;
  const Clip sampled = Synthetic4D(o, {}).Load(0);
  EXPECT_FALSE(base.correspondence.equal(sampled.correspondence));
  // The same surface point, seen in both samples, lies at the same place to the last bit.
  std::map<std::int64_t, std::vector<float>> seen;
  for (std::int64_t i = 0; i < o.points; ++i) {
    const auto p = base.points[0][i];
    seen[base.correspondence[0][i].item<std::int64_t>()] = {
        p[0].item<float>(), p[1].item<float>(), p[2].item<float>()};
  }
  int common = 0;
  for (std::int64_t i = 0; i < o.points; ++i) {
    const auto it = seen.find(sampled.correspondence[0][i].item<std::int64_t>());
    if (it == seen.end()) continue;
    ++common;
    for (int k = 0; k < 3; ++k) EXPECT_EQ(sampled.points[0][i][k].item<float>(), it->second[k]);
  }
  EXPECT_GT(common, 0);
  o = Small();
  o.seed = 1;
  EXPECT_FALSE(base.points.equal(Synthetic4D(o, {}).Load(0).points));
}

// Points of one capsule keep their mutual distances over all frames: ids name fixed surface points.
TEST(Synthetic4D, CorrespondenceIsExactWithoutNoise) {
  Options o = Small();
  o.noise_depth = o.noise_lateral = 0;
  o.points = 256;
  const Synthetic4D data(o, {});
  int compared = 0;
  for (const std::int64_t index : {0, 7, 13}) {
    const Clip clip = data.Load(index);
    std::map<std::pair<std::int64_t, std::int64_t>, float> distances;
    for (std::int64_t t = 0; t < o.frames; ++t) {
      const torch::Tensor points = clip.points[t], ids = clip.correspondence[t];
      const torch::Tensor parts = clip.part_labels[t];
      const auto xyz = points.accessor<float, 2>();
      const auto id = ids.accessor<std::int64_t, 1>();
      const auto part = parts.accessor<std::int64_t, 1>();
      for (std::int64_t a = 0; a < o.points; ++a) {
        for (std::int64_t b = 0; b < o.points; ++b) {
          if (part[a] != part[b] || id[a] >= id[b]) continue;
          const float distance =
              std::hypot(xyz[a][0] - xyz[b][0], xyz[a][1] - xyz[b][1], xyz[a][2] - xyz[b][2]);
          const auto [it, fresh] = distances.emplace(std::pair(id[a], id[b]), distance);
          if (fresh) continue;
          ++compared;
          ASSERT_NEAR(it->second, distance, 2e-6);
        }
      }
    }
  }
  EXPECT_GT(compared, 500);
}

TEST(Synthetic4D, NoiseHasTheStatedSize) {
  Options o = Small();
  o.points = 400;
  const Clip noisy = Synthetic4D(o, {}).Load(2);
  o.noise_depth = o.noise_lateral = 0;
  const Clip clean = Synthetic4D(o, {}).Load(2);
  ASSERT_TRUE(noisy.correspondence.equal(clean.correspondence));
  const auto std = (noisy.points - clean.points).reshape({-1, 3}).std(0);
  EXPECT_NEAR(std[0].item<float>(), 0.004, 0.0005);
  EXPECT_NEAR(std[1].item<float>(), 0.004, 0.0005);
  EXPECT_NEAR(std[2].item<float>(), 0.010, 0.001);
}

TEST(Synthetic4D, SixPartsMergeLeftAndRight) {
  Options o = Small();
  const auto ten = Synthetic4D(o, {}).Load(1).part_labels;
  o.parts = "six";
  const Synthetic4D merged(o, {});
  EXPECT_THAT(merged.part_names(),
              ElementsAre("head", "torso", "upper arm", "forearm", "thigh", "shin"));
  const auto map = torch::tensor({0, 1, 2, 3, 2, 3, 4, 5, 4, 5}, torch::kInt64);
  EXPECT_TRUE(
      merged.Load(1).part_labels.equal(map.index_select(0, ten.flatten()).reshape(ten.sizes())));
}

TEST(Synthetic4D, FewerVisibleThanAskedAreRepeated) {
  Options o = Small();
  o.surface_points = 100;
  o.points = 500;
  const Clip clip = Synthetic4D(o, {}).Load(0);
  std::map<std::int64_t, int> times;
  const torch::Tensor first = clip.correspondence[0];
  const auto ids = first.accessor<std::int64_t, 1>();
  for (std::int64_t i = 0; i < o.points; ++i) ++times[ids[i]];
  int least = 1000, most = 0;
  for (const auto& [id, n] : times) {
    least = std::min(least, n);
    most = std::max(most, n);
  }
  EXPECT_GE(least, 4);
  EXPECT_LE(most - least, 1);
}

TEST(Synthetic4D, TheSensorSeesTheNearerPointOnly) {
  const std::vector<Vec3> world{{0, 1, 0.2}, {0, 1, 0.18}, {0, 1, -0.2}, {0.5, 1, -0.2}, {9, 1, 0}};
  EXPECT_THAT(VisiblePoints({3.2}, world), ElementsAre(0, 1, 3));
}

TEST(Synthetic4D, BodiesStandOnTheGroundAndActionsDiffer) {
  const Body body = MakeBody(RandomStream(3));
  const Style style = MakeStyle(0, RandomStream(1), RandomStream(2));
  for (std::size_t action = 0; action < kActionNames.size(); ++action) {
    double motion = 0;
    const Pose first = ActionPose(static_cast<std::int64_t>(action), 0.0, style);
    const BodyFrames start = PlaceBody(body, first, 0);
    for (double time = 0; time <= 1; time += 0.05) {
      const Pose pose = ActionPose(static_cast<std::int64_t>(action), time, style);
      const BodyFrames now = PlaceBody(body, pose, 0);
      double lowest = 10;
      for (const int part : {kLeftShin, kRightShin}) {
        const Vec3 foot = now[part].origin + now[part].rotation * Vec3{0, -body.length[part], 0};
        lowest = std::min(lowest, foot.y - body.radius[part]);
      }
      EXPECT_NEAR(lowest, pose.lift, 1e-9) << kActionNames[action] << " at " << time;
      for (int part = 0; part < kPartCount; ++part) {
        const Vec3 d = now[part].rotation * Vec3{0, 1, 0} - start[part].rotation * Vec3{0, 1, 0};
        motion += std::fabs(d.x) + std::fabs(d.y) + std::fabs(d.z);
      }
    }
    EXPECT_GT(motion, 3) << kActionNames[action];
  }
}

TEST(Synthetic4D, MirroringSwapsSidesOnly) {
  const Body body = MakeBody(RandomStream(3));
  const Pose pose = ActionPose(4, 0.3, MakeStyle(0.25, RandomStream(1), RandomStream(2)));
  const BodyFrames a = PlaceBody(body, pose, 0), b = PlaceBody(body, pose.Mirrored(), 0);
  for (int side = 0; side < 2; ++side) {
    for (const int part : {kLeftForearm + 2 * side, kLeftShin + 2 * side}) {
      const Vec3 p = a[part].origin, q = b[side == 0 ? part + 2 : part - 2].origin;
      EXPECT_NEAR(p.x, -q.x, 1e-12);
      EXPECT_NEAR(p.y, q.y, 1e-12);
      EXPECT_NEAR(p.z, q.z, 1e-12);
    }
  }
}

}  // namespace
}  // namespace cross4d::synthetic4d
