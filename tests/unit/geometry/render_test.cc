// SPDX-License-Identifier: Apache-2.0
// Camera placement, splat, visibility and shading.
#include "core/geometry/kernels.h"
#include "core/geometry/splat.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "clouds.h"
#include "tests/support/refusal.h"

namespace cross4d::geometry {
namespace {

CameraOptions SmallImage(std::int32_t size = 56) {
  CameraOptions options;
  options.width = options.height = size;
  return options;
}

RC_GTEST_PROP(Camera, SeesTheCentroidInTheMiddleAndTheWholeClip, ()) {
  auto clip = RandomCloud(*rc::gen::arbitrary<std::uint32_t>(), 60);
  const float scale = *rc::gen::element(1e-3f, 1.0f, 4e3f);
  for (std::size_t i = 0; i < clip.size(); ++i) {
    clip[i] = clip[i] * scale + static_cast<float>(i % 3) * scale;
  }
  CameraOptions options;
  options.width = *rc::gen::element(64, 224);
  options.height = *rc::gen::element(64, 112);
  options.fov_deg = *rc::gen::element(20, 40, 60, 100);
  options.elevation_deg = *rc::gen::element(0, 20, -70);
  options.count = *rc::gen::element(1, 2, 4);
  options.forward =
      *rc::gen::element(std::array<double, 3>{0, 0, 1}, std::array<double, 3>{0.3, 2, -0.4});
  options.up = *rc::gen::element(std::array<double, 3>{0, -1, 0}, std::array<double, 3>{0, 0.2, 5});
  const auto cameras = PlaceCameras(clip, options);
  RC_ASSERT(cameras.size() == static_cast<std::size_t>(options.count));
  for (const Camera& camera : cameras) {
    const Projection middle = Project(camera, camera.target.data());
    RC_ASSERT(std::abs(middle.x_px - static_cast<float>(options.width) / 2) < 0.01f);
    RC_ASSERT(std::abs(middle.y_px - static_cast<float>(options.height) / 2) < 0.01f);
    RC_ASSERT(std::abs(middle.depth - camera.distance) < 1e-4f * camera.distance);
    for (std::size_t i = 0; i < clip.size(); i += 3) {
      const Projection p = Project(camera, &clip[i]);
      RC_ASSERT(kernels::PixelOf(camera, p) >= 0);
      RC_ASSERT(p.depth > camera.near_depth * 0.9999f && p.depth < camera.far_depth * 1.0001f);
    }
  }
}

TEST(Camera, DistanceIsExtentOverSineOfHalfTheView) {
  const std::vector<float> clip = {-2, 0, 0, 2, 0, 0};
  CameraOptions options = SmallImage(64);
  options.fov_deg = 40;
  options.margin = 1;
  const Camera camera = PlaceCameras(clip, options).front();
  EXPECT_NEAR(camera.distance, 2 / std::sin(20 * M_PI / 180), 1e-5);
  EXPECT_NEAR(camera.focal_px, 32 / std::tan(20 * M_PI / 180), 1e-4);
  // A sphere touches the image's edge at margin 1: its silhouette has the half angle of the view.
  EXPECT_FLOAT_EQ(camera.extent, 2);
}

TEST(Camera, AxesAreRightDownForward) {
  const std::vector<float> clip = {-1, 0, 0, 1, 0, 0};
  const Camera camera = PlaceCameras(clip, SmallImage()).front();  // forward +z, up -y
  const float right[3] = {0.5f, 0, 0}, down[3] = {0, 0.5f, 0}, far[3] = {0, 0, 0.5f};
  EXPECT_GT(Project(camera, right).x_px, 28.5f);
  EXPECT_GT(Project(camera, down).y_px, 28.5f);
  EXPECT_GT(Project(camera, far).depth, camera.distance);
  // Elevated: the camera is above (towards -y) and looks down, so a point above comes nearer.
  CameraOptions raised = SmallImage();
  raised.elevation_deg = 20;
  const float above[3] = {0, -0.5f, 0};
  const Camera high = PlaceCameras(clip, raised).front();
  EXPECT_LT(Project(high, above).depth, high.distance);
  EXPECT_LT(Project(high, above).y_px, 28);
}

TEST(Camera, FourCamerasLookFromFourSides) {
  const std::vector<float> clip = {0, 0, 1, 0, 0, -1};
  CameraOptions options = SmallImage();
  options.count = 4;
  const auto cameras = PlaceCameras(clip, options);
  const float front[3] = {0, 0, -1};
  EXPECT_LT(Project(cameras[0], front).depth, cameras[0].distance - 0.9f);
  EXPECT_GT(Project(cameras[2], front).depth, cameras[2].distance + 0.9f);
  EXPECT_NEAR(Project(cameras[1], front).depth, cameras[1].distance, 1e-4);
  const float a = Project(cameras[1], front).x_px, b = Project(cameras[3], front).x_px;
  EXPECT_NEAR(a + b, 56, 1e-3);
  EXPECT_GT(std::abs(a - b), 10);
}

TEST(Camera, IdenticalPointsGiveAValidCamera) {
  const std::vector<float> clip(30, 3.0f);
  const Camera camera = PlaceCameras(clip, SmallImage()).front();
  EXPECT_EQ(camera.extent, 1);
  EXPECT_GE(kernels::PixelOf(camera, Project(camera, clip.data())), 0);
}

TEST(Camera, RefusesBadInput) {
  const auto clip = RandomCloud(1, 5);
  EXPECT_THAT(test::Refusal([] { PlaceCameras({}, {}); }), testing::HasSubstr("no points"));
  auto bad = clip;
  bad[4] = kNan;
  EXPECT_THAT(test::Refusal([&] { PlaceCameras(bad, {}); }), testing::HasSubstr("point 1"));
  CameraOptions options;
  options.count = 3;
  EXPECT_THAT(test::Refusal([&] { PlaceCameras(clip, options); }), testing::HasSubstr("1, 2 or 4"));
  options = {};
  options.up = {0, 0, -3};
  EXPECT_THAT(test::Refusal([&] { PlaceCameras(clip, options); }), testing::HasSubstr("parallel"));
  options = {};
  options.fov_deg = 180;
  EXPECT_THAT(test::Refusal([&] { PlaceCameras(clip, options); }),
              testing::HasSubstr("field of view"));
}

/// Looks along +z at the origin from distance 10; one unit is 10 px at the target's depth.
Camera PlainCamera(std::int32_t size) {
  Camera c;
  c.cam_from_world = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  c.distance = 10;
  c.extent = 2;
  c.near_depth = 8;
  c.far_depth = 12;
  c.focal_px = 100;
  c.centre_x_px = c.centre_y_px = static_cast<float>(size) / 2;
  c.width = c.height = size;
  return c;
}

SplatOptions Options(float radius, std::int32_t patch = 4) {
  SplatOptions o;
  o.radius_px = radius;
  o.patch = patch;
  return o;
}

TEST(Splat, NearerWinsAndTiesGoToTheLowerIndex) {
  //                                far        near        equal to 1   elsewhere
  const std::vector<float> points = {0, 0, 1, 0, 0, -1, 0, 0, -1, 1, 1, 0};
  const ClipRaster r = RenderClip(points, 1, PlainCamera(32), Options(1.5f));
  const std::int32_t middle = 16 * 32 + 16;
  EXPECT_EQ(r.index[middle], 1);
  EXPECT_FLOAT_EQ(r.depth[middle], 9);
  EXPECT_EQ(r.visible, (std::vector<std::uint8_t>{0, 1, 0, 1}));
  EXPECT_DOUBLE_EQ(r.coverage, 0.5);
  EXPECT_EQ(r.pixel, (std::vector<std::int32_t>{middle, middle, middle, 26 * 32 + 26}));
  EXPECT_EQ(r.patch[0], 4 * 8 + 4);
  EXPECT_EQ(r.patch[3], 6 * 8 + 6);
  EXPECT_EQ(r.index[0], -1);
  EXPECT_EQ(r.depth[0], 0);
}

TEST(Splat, CentreDepthTakesNeighboursInDepth) {
  const std::vector<float> points = {0, 0, 0, 0, 0, 0.015f, 0, 0, 0.5f};
  SplatOptions options = Options(1.5f);
  options.visibility = Visibility::kCentreDepth;  // tolerance 0.01 * extent 2 = 0.02
  const ClipRaster r = RenderClip(points, 1, PlainCamera(32), options);
  EXPECT_EQ(r.visible, (std::vector<std::uint8_t>{1, 1, 0}));
}

TEST(Splat, DiscHasItsRadius) {
  const ClipRaster r = RenderClip(std::vector<float>{0, 0, 0}, 1, PlainCamera(64), Options(10, 8));
  const auto covered = std::count(r.index.begin(), r.index.end(), 0);
  EXPECT_NEAR(covered, M_PI * 100, 12);
}

TEST(Splat, OutsideAndBehindAreNotVisible) {
  const std::vector<float> points = {5, 0, 0, 0, 0, -10, 0, 0, -50, 0, -5, 0, 1.62f, 0, 0};
  const ClipRaster r = RenderClip(points, 1, PlainCamera(32), Options(2));
  EXPECT_EQ(r.visible, std::vector<std::uint8_t>(5, 0));
  EXPECT_EQ(r.pixel, std::vector<std::int32_t>(5, -1));
  EXPECT_EQ(r.patch, std::vector<std::int32_t>(5, -1));
  // The last one lies just outside; its disc reaches in.
  EXPECT_EQ(r.index[16 * 32 + 31], 4);
}

/// The definition, pixel by pixel.
std::vector<std::int32_t> NaiveSplat(const std::vector<float>& points,
                                     const Camera& camera,
                                     float radius) {
  std::vector<std::int32_t> index(camera.width * camera.height, -1);
  for (std::int32_t y = 0; y < camera.height; ++y) {
    for (std::int32_t x = 0; x < camera.width; ++x) {
      float best = std::numeric_limits<float>::infinity();
      for (std::size_t i = 0; i < points.size() / 3; ++i) {
        const Projection p = Project(camera, &points[3 * i]);
        if (!(p.depth > 0)) continue;
        const float dx = (static_cast<float>(x) + 0.5f) - p.x_px;
        const float dy = (static_cast<float>(y) + 0.5f) - p.y_px;
        const bool covers = dx * dx + dy * dy <= radius * radius ||
                            kernels::PixelOf(camera, p) == y * camera.width + x;
        if (covers && p.depth < best) {
          best = p.depth;
          index[y * camera.width + x] = static_cast<std::int32_t>(i);
        }
      }
    }
  }
  return index;
}

RC_GTEST_PROP(Splat, EqualsItsDefinition, ()) {
  const auto cloud = GridCloud(*rc::gen::arbitrary<std::uint32_t>(), 40, 9);
  const float radius = *rc::gen::element(0.2f, 0.75f, 2.2f, 5.0f);
  const Camera camera = PlaceCameras(cloud, SmallImage(28)).front();
  RC_ASSERT(RenderClip(cloud, 1, camera, Options(radius, 7)).index ==
            NaiveSplat(cloud, camera, radius));
}

TEST(Splat, ThreadsAndTheOrderOfFramesDoNotMatter) {
  const auto clip = RandomCloud(5, 7 * 128);
  const Camera camera = PlaceCameras(clip, SmallImage()).front();
  for (const Visibility rule : {Visibility::kOwnsPixel, Visibility::kCentreDepth}) {
    SplatOptions options;
    options.visibility = rule;
    const ClipRaster one = RenderClip(clip, 7, camera, options);
    options.threads = 2;
    const ClipRaster two = RenderClip(clip, 7, camera, options);
    EXPECT_EQ(one.index, two.index);
    EXPECT_EQ(one.depth, two.depth);
    EXPECT_EQ(one.visible, two.visible);
    EXPECT_EQ(one.patch, two.patch);
    const ClipRaster third =
        RenderClip(std::span(clip).subspan(3 * 128 * 3, 3 * 128), 1, camera, options);
    EXPECT_TRUE(
        std::equal(third.index.begin(), third.index.end(), one.index.begin() + 56 * 56 * 3));
    const DepthRange range = RenderedRange(one, camera);
    EXPECT_EQ(ShadeClip(one, camera, range, Shading::kDepthNormal, 1),
              ShadeClip(two, camera, range, Shading::kDepthNormal, 2));
  }
}

TEST(Splat, VisibleIsWhoOwnsAPixel) {
  const std::vector<float> clip = RandomCloud(8, 600);
  const ClipRaster r = RenderClip(clip, 1, PlaceCameras(clip, SmallImage()).front(), Options(3));
  std::vector<std::uint8_t> owns(600, 0);
  for (const std::int32_t i : r.index) {
    if (i >= 0) owns[static_cast<std::size_t>(i)] = 1;
  }
  for (std::size_t i = 0; i < owns.size(); ++i) owns[i] &= r.pixel[i] >= 0;
  EXPECT_EQ(r.visible, owns);
  EXPECT_GT(r.coverage, 0.1);
  EXPECT_LT(r.coverage, 0.9);
}

TEST(Splat, AUsedRasterHoldsNothingOfWhatItHeld) {
  const std::vector<float> clip = RandomCloud(5, 3 * 200), other = RandomCloud(6, 2 * 300);
  const Camera camera = PlaceCameras(clip, SmallImage()).front();
  ClipRaster used;
  RenderClip(other, 2, PlaceCameras(other, SmallImage()).front(), Options(5), used);
  RenderClip(clip, 3, camera, Options(2), used);
  const ClipRaster fresh = RenderClip(clip, 3, camera, Options(2));
  EXPECT_EQ(used.index, fresh.index);
  EXPECT_EQ(used.depth, fresh.depth);
  EXPECT_EQ(used.visible, fresh.visible);
  EXPECT_EQ(used.patch, fresh.patch);
  EXPECT_EQ(used.coverage, fresh.coverage);
}

TEST(Splat, AutomaticRadiusFollowsDensity) {
  const auto clip = RandomCloud(5, 500);
  CameraOptions options = SmallImage(64);
  options.fov_deg = 40;
  options.margin = 1;
  const Camera camera = PlaceCameras(clip, options).front();
  EXPECT_NEAR(AutomaticRadius(camera, 256), 2.2, 0.1);
  EXPECT_NEAR(AutomaticRadius(camera, 1024), 1.1, 0.05);
  EXPECT_EQ(AutomaticRadius(camera, 1 << 30), 0.75f);
  EXPECT_EQ(AutomaticRadius(camera, 1), 32);
  EXPECT_EQ(RenderClip(clip, 1, camera, Options(0)).radius_px, AutomaticRadius(camera, 500));
}

TEST(Splat, RefusesBadInput) {
  const auto clip = RandomCloud(1, 20);
  const Camera camera = PlainCamera(32);
  EXPECT_THAT(test::Refusal([&] { RenderClip({}, 1, camera, Options(1)); }),
              testing::HasSubstr("0 numbers"));
  EXPECT_THAT(test::Refusal([&] { RenderClip(clip, 3, camera, Options(1)); }),
              testing::HasSubstr("3 frames"));
  EXPECT_THAT(test::Refusal([&] { RenderClip(clip, 1, camera, Options(1, 5)); }),
              testing::HasSubstr("does not divide"));
  auto bad = clip;
  bad[3 * 12] = kNan;
  EXPECT_THAT(test::Refusal([&] { RenderClip(bad, 2, camera, Options(1)); }),
              testing::AllOf(testing::HasSubstr("frame 1"), testing::HasSubstr("point 2")));
}

TEST(Shading, FallsWithDepthOverTheClip) {
  // Two frames: depths 9 and 11.
  const std::vector<float> points = {0, 0, -1, 0, 0, 1};
  const Camera camera = PlainCamera(32);
  const ClipRaster r = RenderClip(points, 2, camera, Options(3));
  const DepthRange range = RenderedRange(r, camera);
  EXPECT_FLOAT_EQ(range.near_depth, 9);
  EXPECT_FLOAT_EQ(range.far_depth, 11);
  const auto image = ShadeClip(r, camera, range, Shading::kDepth);
  const std::size_t middle = 16 * 32 + 16;
  EXPECT_FLOAT_EQ(image[middle], 1);
  EXPECT_NEAR(image[32 * 32 + middle], 0.2, 1e-6);
  EXPECT_EQ(image[0], 0);
  const auto by_camera = ShadeClip(r, camera, {8, 12}, Shading::kDepth);
  EXPECT_NEAR(by_camera[middle], 0.8, 1e-6);
  // A disc is flat and faces the camera: the normal term leaves it as it is.
  EXPECT_EQ(ShadeClip(r, camera, range, Shading::kDepthNormal)[middle], image[middle]);
}

TEST(Shading, SlopesAreDarker) {
  std::vector<float> points;
  for (int x = -20; x <= 20; ++x) {
    for (int y = -20; y <= 20; ++y) {
      const float u = static_cast<float>(x) * 0.05f, v = static_cast<float>(y) * 0.05f;
      points.insert(points.end(), {u, v, u});  // tilted by 45 degrees
    }
  }
  const Camera camera = PlainCamera(32);
  const ClipRaster r = RenderClip(points, 1, camera, Options(0.75f));
  const auto flat = ShadeClip(r, camera, {8, 12}, Shading::kDepth);
  const auto lit = ShadeClip(r, camera, {8, 12}, Shading::kDepthNormal);
  const std::size_t middle = 16 * 32 + 16;
  EXPECT_NEAR(lit[middle] / flat[middle], 0.6 + 0.4 / std::sqrt(2.0), 0.06);
}

TEST(Shading, NothingRenderedFallsBackToTheCamera) {
  const Camera camera = PlainCamera(32);
  const ClipRaster r = RenderClip(std::vector<float>{50, 0, 0}, 1, camera, Options(1));
  EXPECT_EQ(RenderedRange(r, camera).near_depth, camera.near_depth);
  EXPECT_EQ(RenderedRange(r, camera).far_depth, camera.far_depth);
}

}  // namespace
}  // namespace cross4d::geometry
