// SPDX-License-Identifier: Apache-2.0
// Farthest points, neighbours, balls and interpolation against their definitions, written plainly.
#include "core/geometry/farthest_points.h"
#include "core/geometry/kernels.h"
#include "core/geometry/neighbours.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "clouds.h"
#include "tests/support/refusal.h"

namespace cross4d::geometry {
namespace {

using Indices = std::vector<std::int32_t>;

/// The definition, with the ties of fpsample's plain version (the higher index).
Indices NaiveFarthest(const std::vector<float>& points, std::int64_t m) {
  const auto n = static_cast<std::int64_t>(points.size() / 3);
  Indices picked = {0};
  while (static_cast<std::int64_t>(picked.size()) < std::min(n, m)) {
    float best = -1;
    std::int32_t at = 0;
    for (std::int32_t i = 0; i < n; ++i) {
      float nearest = std::numeric_limits<float>::infinity();
      for (const std::int32_t p : picked) {
        nearest = std::min(nearest, Distance2(&points[3 * i], &points[3 * p]));
      }
      if (nearest >= best) best = nearest, at = i;
    }
    picked.push_back(at);
  }
  for (std::int64_t i = n; i < m; ++i) picked.push_back(picked[i - n]);
  return picked;
}

Indices Farthest(const std::vector<float>& points, std::int64_t m) {
  Indices picked(m);
  FarthestPoints(points, picked);
  return picked;
}

RC_GTEST_PROP(FarthestPoints, EqualsItsDefinition, ()) {
  const auto n = *rc::gen::inRange<std::int64_t>(1, 300);
  const auto m = *rc::gen::inRange<std::int64_t>(1, 40);
  const auto seed = *rc::gen::arbitrary<std::uint32_t>();
  const auto cloud = *rc::gen::arbitrary<bool>() ? RandomCloud(seed, n) : GridCloud(seed, n, 4);
  RC_ASSERT(Farthest(cloud, m) == NaiveFarthest(cloud, m));
}

TEST(FarthestPoints, WholeBlocksAndTheirEdges) {
  for (const std::int64_t n : {127, 128, 129, 255, 256, 257, 2048}) {
    const auto cloud = RandomCloud(7, n);
    EXPECT_EQ(Farthest(cloud, 20), NaiveFarthest(cloud, 20)) << n;
  }
}

TEST(FarthestPoints, IdenticalPointsEndAtTheLast) {
  const std::vector<float> cloud(3 * 200, 0.5f);
  Indices expected(64, 199);
  expected[0] = 0;
  EXPECT_EQ(Farthest(cloud, 64), expected);
}

TEST(FarthestPoints, MorePicksThanPointsRepeat) {
  const auto picked = Farthest(RandomCloud(3, 5), 13);
  EXPECT_EQ(std::set<std::int32_t>(picked.begin(), picked.begin() + 5).size(), 5u);
  for (int i = 5; i < 13; ++i) EXPECT_EQ(picked[i], picked[i - 5]);
}

RC_GTEST_PROP(FarthestPoints, MovedPointsMoveThePicks, ()) {
  // Without ties, a permutation that keeps the first point only renames the picks.
  const auto cloud = RandomCloud(*rc::gen::arbitrary<std::uint32_t>(), 90);
  std::vector<std::int32_t> order(90);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin() + 1, order.end(), std::mt19937(*rc::gen::arbitrary<std::uint32_t>()));
  std::vector<float> moved;
  for (const std::int32_t i : order) {
    moved.insert(moved.end(), &cloud[3 * i], &cloud[3 * i] + 3);
  }
  auto picked = Farthest(moved, 20);
  for (std::int32_t& i : picked) i = order[i];
  RC_ASSERT(picked == Farthest(cloud, 20));
}

TEST(FarthestPoints, ClipsDoNotDependOnThreads) {
  const auto clip = RandomCloud(11, 9 * 300);
  Indices one(9 * 32), three(9 * 32);
  FarthestPointsOfClip(clip, 9, one, 1);
  FarthestPointsOfClip(clip, 9, three, 3);
  EXPECT_EQ(one, three);
  const std::vector<float> frame(clip.begin() + 3 * 300 * 4, clip.begin() + 3 * 300 * 5);
  EXPECT_EQ(Indices(one.begin() + 4 * 32, one.begin() + 5 * 32), Farthest(frame, 32));
}

TEST(FarthestPoints, RefusesBadClouds) {
  Indices picked(4);
  EXPECT_THAT(test::Refusal([&] { FarthestPoints({}, picked); }), testing::HasSubstr("no points"));
  EXPECT_THAT(test::Refusal([&] {
                Farthest({1, 2, 3, 4}, 2);
              }),
              testing::HasSubstr("multiple of 3"));
  auto clip = RandomCloud(1, 4 * 10);
  clip[3 * (2 * 10 + 7) + 1] = kNan;
  picked.resize(4 * 3);
  EXPECT_THAT(test::Refusal([&] { FarthestPointsOfClip(clip, 4, picked, 2); }),
              testing::AllOf(testing::HasSubstr("frame 2"),
                             testing::HasSubstr("point 7"),
                             testing::HasSubstr("coordinate y")));
  EXPECT_THAT(test::Refusal([&] { FarthestPointsOfClip(clip, 7, picked, 1); }),
              testing::HasSubstr("7 frames"));
}

Indices NaiveNearest(const std::vector<float>& points,
                     const std::vector<float>& queries,
                     std::size_t k) {
  Indices out;
  for (std::size_t q = 0; q < queries.size(); q += 3) {
    std::vector<std::pair<float, std::int32_t>> all;
    for (std::size_t i = 0; i < points.size(); i += 3) {
      all.emplace_back(Distance2(&points[i], &queries[q]), static_cast<std::int32_t>(i / 3));
    }
    std::sort(all.begin(), all.end());
    for (std::size_t j = 0; j < k; ++j) out.push_back(all[j % all.size()].second);
  }
  return out;
}

RC_GTEST_PROP(NearestNeighbours, EqualASort, ()) {
  const auto n = *rc::gen::inRange<std::int64_t>(1, 700);
  const auto k = *rc::gen::inRange<std::size_t>(1, 40);
  const auto seed = *rc::gen::arbitrary<std::uint32_t>();
  const bool grid = *rc::gen::arbitrary<bool>();
  const auto cloud = grid ? GridCloud(seed, n, 5) : RandomCloud(seed, n);
  const auto queries = grid ? GridCloud(seed + 1, 9, 5) : RandomCloud(seed + 1, 9);
  Indices found(9 * k);
  NearestNeighbours(cloud, queries, found);
  RC_ASSERT(found == NaiveNearest(cloud, queries, k));
}

RC_GTEST_PROP(NearestNeighbours, SharedInsertionGivesTheSame, ()) {
  // The loop body that the CUDA form runs, against the CPU form.
  const auto n = *rc::gen::inRange<std::int64_t>(1, 200);
  const auto k = *rc::gen::inRange<std::int32_t>(1, 33);
  const auto cloud = GridCloud(*rc::gen::arbitrary<std::uint32_t>(), n, 6);
  std::vector<std::uint64_t> keys(k);
  std::int32_t count = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    const float d = kernels::SquaredDistance(
        cloud[3 * i], cloud[3 * i + 1], cloud[3 * i + 2], cloud[0], cloud[1], cloud[2]);
    count = kernels::InsertNearest(keys.data(), count, k, kernels::OrderKey(d, i));
  }
  Indices expected(k);
  NearestNeighbours(cloud, std::span(cloud).first(3), expected);
  RC_ASSERT(count == std::min<std::int64_t>(n, k));
  for (std::int32_t j = 0; j < k; ++j) RC_ASSERT(kernels::KeyIndex(keys[j % count]) == expected[j]);
}

TEST(NearestNeighbours, RefusesWhatDoesNotFit) {
  const auto cloud = RandomCloud(1, 4);
  Indices found(5);
  EXPECT_THAT(test::Refusal([&] { NearestNeighbours(cloud, RandomCloud(2, 2), found); }),
              testing::HasSubstr("5 results"));
  auto bad = RandomCloud(2, 5);
  bad[13] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(test::Refusal([&] { NearestNeighbours(cloud, bad, found); }),
              testing::HasSubstr("queries, point 4"));
}

RC_GTEST_PROP(BallQuery, TakesTheFirstInside, ()) {
  const auto n = *rc::gen::inRange<std::int64_t>(1, 200);
  const auto k = *rc::gen::inRange<std::int64_t>(1, 20);
  const auto seed = *rc::gen::arbitrary<std::uint32_t>();
  const auto cloud = GridCloud(seed, n, 6), queries = GridCloud(seed + 1, 5, 6);
  const float radius =
      *rc::gen::element(0.25f, 0.5f, 0.6f);  // exact hits of the grid's distances too
  Indices found(5 * k), hits(5);
  BallQuery(cloud, queries, radius, found, hits);
  for (std::int64_t q = 0; q < 5; ++q) {
    Indices inside;
    for (std::int32_t i = 0; i < n && static_cast<std::int64_t>(inside.size()) < k; ++i) {
      if (Distance2(&cloud[3 * i], &queries[3 * q]) < radius * radius) inside.push_back(i);
    }
    RC_ASSERT(hits[q] == static_cast<std::int32_t>(inside.size()));
    for (std::int64_t j = 0; j < k; ++j) {
      const std::int32_t padded = inside.empty() ? 0 : inside[0];
      const bool hit = j < static_cast<std::int64_t>(inside.size());
      RC_ASSERT(found[q * k + j] == (hit ? inside[j] : padded));
    }
  }
}

TEST(BallQuery, RefusesBadRadius) {
  const auto cloud = RandomCloud(1, 4);
  Indices found(4);
  EXPECT_THAT(test::Refusal([&] { BallQuery(cloud, cloud, 0, found); }),
              testing::HasSubstr("radius"));
  EXPECT_THAT(test::Refusal([&] { BallQuery(cloud, cloud, kNan, found); }),
              testing::HasSubstr("radius"));
}

TEST(ThreeNearest, WeightsAreInverseDistances) {
  const std::vector<float> cloud = {0, 0, 0, 1, 0, 0, 0, 2, 0, 50, 0, 0};
  const std::vector<float> query = {0.5f, 0, 0};
  Indices near(3);
  std::vector<float> weight(3), out(2);
  ThreeNearest(cloud, query, near, weight);
  EXPECT_EQ(near, (Indices{0, 1, 2}));
  const double far = 1 / std::sqrt(4.25), sum = 2 + 2 + far;
  EXPECT_NEAR(weight[0], 2 / sum, 1e-6);
  EXPECT_NEAR(weight[2], far / sum, 1e-6);
  Interpolate(std::vector<float>{1, 10, 3, 10, 5, 10, 0, 0}, 2, near, weight, out);
  EXPECT_NEAR(out[0], (2 * 1 + 2 * 3 + far * 5) / sum, 1e-5);
  EXPECT_NEAR(out[1], 10, 1e-5);
}

TEST(ThreeNearest, AtAPointAndWithFewPoints) {
  const std::vector<float> cloud = {0, 0, 0, 1, 0, 0};
  Indices near(6);
  std::vector<float> weight(6), out(2);
  ThreeNearest(cloud, cloud, near, weight);
  Interpolate(std::vector<float>{7, -7}, 1, near, weight, out);
  EXPECT_NEAR(out[0], 7, 1e-4);
  EXPECT_NEAR(out[1], -7, 1e-4);
}

}  // namespace
}  // namespace cross4d::geometry
