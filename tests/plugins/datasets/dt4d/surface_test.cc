// SPDX-License-Identifier: Apache-2.0
#include "surface.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>

#include "anime_writer.h"

namespace cross4d::dt4d_animals {
namespace {

using Points = std::vector<float>;

Points Sample(const Points& mesh,
              const std::vector<Triangle>& triangles,
              std::int64_t count,
              std::uint64_t seed,
              const Points& where) {
  const SurfacePoints surface(mesh, triangles, count, RandomStream(seed));
  Points points(static_cast<std::size_t>(3 * count));
  surface.Place(where, points.data());
  return points;
}

// Two squares in the planes z = 0 and z = 1, the second nine times as large.
const Points kSquares = {0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 3, 0, 1, 3, 3, 1, 0, 3, 1};
const std::vector<Triangle> kHalves = {{0, 1, 2}, {0, 2, 3}, {4, 5, 6}, {4, 6, 7}};

TEST(Surface, PointsLieEvenlyOverTheArea) {
  const std::int64_t count = 20000;
  const Points points = Sample(kSquares, kHalves, count, 1, kSquares);
  std::int64_t small = 0, quarter = 0, large = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const float* p = &points[static_cast<std::size_t>(3 * i)];
    if (p[2] < 0.5) {
      ++small;
      continue;
    }
    ++large;
    quarter += p[0] < 1.5 && p[1] < 1.5;
  }
  EXPECT_NEAR(static_cast<double>(small) / count, 0.1, 0.01);
  EXPECT_NEAR(static_cast<double>(quarter) / static_cast<double>(large), 0.25, 0.015);
}

TEST(Surface, WithoutAreaThereAreNoPoints) {
  const Points line = {0, 0, 0, 1, 0, 0, 2, 0, 0};
  EXPECT_TRUE(SurfacePoints(line, {{0, 1, 2}}, 5, RandomStream(1)).empty());
  EXPECT_TRUE(SurfacePoints(line, {}, 5, RandomStream(1)).empty());
  // Triangles without area never get a point, wherever they stand.
  const std::vector<Triangle> mixed = {{0, 0, 0}, {0, 1, 2}, {1, 1, 2}};
  for (const float z : Sample(kSquares, mixed, 1000, 2, kSquares)) EXPECT_LE(z, 1);
}

TEST(Surface, FewerPointsAreTheFirstOfMore) {
  const Points many = Sample(kSquares, kHalves, 100, 3, kSquares);
  const Points few = Sample(kSquares, kHalves, 10, 3, kSquares);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
  EXPECT_NE(few, Sample(kSquares, kHalves, 10, 4, kSquares));
}

// A point keeps its place on the surface: a mesh that is moved and scaled as a whole moves and
// scales its points.
RC_GTEST_PROP(SurfaceProperty, PointsFollowTheMesh, ()) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const auto scale = static_cast<float>(*rc::gen::inRange(1, 100)) / 10;
  const auto shift = static_cast<float>(*rc::gen::inRange(-100, 100)) / 10;
  const Points mesh = test::Tetrahedron(1).first;
  const auto triangles = test::Tetrahedron(1).triangles;
  Points moved = mesh;
  for (float& v : moved) v = v * scale + shift;
  const Points before = Sample(mesh, triangles, 30, seed, mesh);
  const Points after = Sample(mesh, triangles, 30, seed, moved);
  for (std::size_t i = 0; i < before.size(); ++i) {
    RC_ASSERT(std::abs(before[i] * scale + shift - after[i]) < 1e-4f);
  }
  for (std::size_t i = 0; i < before.size(); i += 3) {  // on the surface of the tetrahedron
    const float x = before[i], y = before[i + 1], z = before[i + 2];
    const float inside = std::min({x, y, z, (1 - x - y - z)});
    RC_ASSERT(std::abs(inside) < 1e-6f);
  }
}

}  // namespace
}  // namespace cross4d::dt4d_animals
