// SPDX-License-Identifier: Apache-2.0
#include "core/geometry/camera.h"

#include "core/geometry/cloud.h"
#include "core/geometry/kernels.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

namespace cross4d::geometry {
namespace {

using Vec3 = std::array<double, 3>;

constexpr double kDegree = std::numbers::pi / 180;

double Dot(const Vec3& a, const Vec3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
Vec3 Cross(const Vec3& a, const Vec3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
Vec3 Combine(double s, const Vec3& a, double t, const Vec3& b) {
  return {s * a[0] + t * b[0], s * a[1] + t * b[1], s * a[2] + t * b[2]};
}
Vec3 Unit(const Vec3& a) {
  const double length = std::sqrt(Dot(a, a));
  return {a[0] / length, a[1] / length, a[2] / length};
}

/// `v` turned about the unit vector `axis` (Rodrigues).
Vec3 Turn(const Vec3& v, const Vec3& axis, double angle) {
  const Vec3 across = Combine(std::cos(angle), v, std::sin(angle), Cross(axis, v));
  return Combine(1, across, (1 - std::cos(angle)) * Dot(axis, v), axis);
}

std::string Text(const Vec3& v) {
  return std::string("(") + std::to_string(v[0]) + ", " + std::to_string(v[1]) + ", " +
         std::to_string(v[2]) + ")";
}

void Check(const CameraOptions& o) {
  if (o.width < 1 || o.height < 1 || o.width > 16384 || o.height > 16384) {
    FailInput("camera: image is " + std::to_string(o.width) + " x " + std::to_string(o.height) +
              " px, expected 1 to 16384 each");
  }
  if (!(o.fov_deg >= 1 && o.fov_deg <= 170)) {
    FailInput("camera: field of view is " + std::to_string(o.fov_deg) + ", expected 1 to 170 deg");
  }
  if (!(o.margin >= 1 && o.margin <= 100)) {
    FailInput("camera: margin is " + std::to_string(o.margin) + ", expected 1 to 100");
  }
  if (!(std::abs(o.elevation_deg) <= 89)) {
    FailInput("camera: elevation is " + std::to_string(o.elevation_deg) +
              ", expected -89 to 89 deg");
  }
  if (o.count != 1 && o.count != 2 && o.count != 4) {
    FailInput("camera: " + std::to_string(o.count) + " cameras, expected 1, 2 or 4");
  }
  const Vec3 side = Cross(o.forward, o.up);
  if (!(Dot(side, side) > 1e-12 * Dot(o.forward, o.forward) * Dot(o.up, o.up))) {
    FailInput("camera: forward " + Text(o.forward) + " and up " + Text(o.up) +
              " must not be zero or parallel");
  }
}

struct Sphere {
  Vec3 centre{};
  double radius = 0;
};

Sphere Bounds(std::span<const float> points) {
  Sphere s;
  const std::size_t n = points.size() / 3;
  for (std::size_t i = 0; i < points.size(); ++i) s.centre[i % 3] += points[i];
  for (double& c : s.centre) c /= static_cast<double>(n);
  // The camera keeps the centre in float32; the radius is taken about that.
  for (double& c : s.centre) c = static_cast<float>(c);
  double greatest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Vec3 d = {points[3 * i] - s.centre[0],
                    points[3 * i + 1] - s.centre[1],
                    points[3 * i + 2] - s.centre[2]};
    greatest = std::max(greatest, Dot(d, d));
  }
  s.radius = greatest > 0 ? std::sqrt(greatest) : 1;
  return s;
}

Camera Place(const Sphere& bounds, const CameraOptions& o, double yaw) {
  const Vec3 up = Unit(o.up);
  Vec3 forward = Turn(Unit(o.forward), up, yaw);
  const Vec3 right = Unit(Cross(forward, up));
  // Turning forward down about the right axis raises the camera, which stands at -forward.
  forward = Turn(forward, right, -o.elevation_deg * kDegree);
  const Vec3 down = Cross(forward, right);

  const double half_height = std::tan(o.fov_deg * kDegree / 2);
  const double half_width = half_height * o.width / o.height;
  const double half_angle = std::atan(std::min(half_height, half_width));
  const double distance = o.margin * bounds.radius / std::sin(half_angle);

  Camera c;
  for (int i = 0; i < 3; ++i) {
    c.target[i] = static_cast<float>(bounds.centre[i]);
    c.cam_from_world[i] = static_cast<float>(right[i]);
    c.cam_from_world[3 + i] = static_cast<float>(down[i]);
    c.cam_from_world[6 + i] = static_cast<float>(forward[i]);
  }
  c.distance = static_cast<float>(distance);
  c.extent = static_cast<float>(bounds.radius);
  c.near_depth = static_cast<float>(distance - bounds.radius);
  c.far_depth = static_cast<float>(distance + bounds.radius);
  c.focal_px = static_cast<float>(o.height / 2.0 / half_height);
  c.centre_x_px = static_cast<float>(o.width) / 2;
  c.centre_y_px = static_cast<float>(o.height) / 2;
  c.width = o.width;
  c.height = o.height;
  return c;
}

}  // namespace

std::vector<Camera> PlaceCameras(std::span<const float> points, const CameraOptions& options) {
  Check(options);
  CloudSize(points, "camera: clip");
  RequireFinite(points, "camera: clip");
  const Sphere bounds = Bounds(points);
  std::vector<double> yaws = {0};
  if (options.count == 2) yaws = {-45, 45};
  if (options.count == 4) yaws = {0, 90, 180, 270};
  std::vector<Camera> cameras;
  for (const double yaw : yaws) cameras.push_back(Place(bounds, options, yaw * kDegree));
  return cameras;
}

Projection Project(const Camera& camera, const float* point) {
  return kernels::ProjectPoint(camera, point);
}

}  // namespace cross4d::geometry
