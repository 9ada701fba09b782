// SPDX-License-Identifier: Apache-2.0
#include "body.h"

#include <algorithm>
#include <utility>

namespace cross4d::synthetic4d {
namespace {

// An adult of about 1.75 m.
constexpr std::array<double, kPartCount> kLength{
    0.12, 0.50, 0.29, 0.33, 0.29, 0.33, 0.43, 0.43, 0.43, 0.43};
constexpr std::array<double, kPartCount> kRadius{
    0.095, 0.14, 0.050, 0.042, 0.050, 0.042, 0.075, 0.055, 0.075, 0.055};
constexpr double kShoulderWidth = 0.20;
constexpr double kHipWidth = 0.10;
constexpr double kNeck = 0.16;  // from the torso's axis end to the head's axis

// The axis of torso and head points up, that of the limbs down.
double AxisSign(int part) { return part <= kTorso ? 1.0 : -1.0; }

double Clipped(RandomStream& random, double spread) {
  return std::clamp(1.0 + spread * random.Normal(), 1.0 - 2 * spread, 1.0 + 2 * spread);
}

}  // namespace

Pose Pose::Mirrored() const {
  Pose p = *this;
  std::swap(p.arms[0], p.arms[1]);
  std::swap(p.legs[0], p.legs[1]);
  p.twist = -twist;
  return p;
}

Body MakeBody(RandomStream random) {
  Body body;
  const double height = Clipped(random, 0.06);
  const double girth = Clipped(random, 0.10);
  const double arm = Clipped(random, 0.06), leg = Clipped(random, 0.06);
  for (int part = 0; part < kPartCount; ++part) {
    const double limb = part <= kTorso ? 1.0 : part <= kRightForearm ? arm : leg;
    body.length[part] = kLength[part] * height * limb;
    body.radius[part] = kRadius[part] * height * girth;
  }
  for (int part = kLeftUpperArm; part <= kLeftForearm; ++part) {
    // Arms and legs come in pairs: the right one equals the left one.
    const double upper = Clipped(random, 0.05);
    body.length[part] *= upper;
    body.length[part + 2] *= upper;
    const double lower = Clipped(random, 0.05);
    body.length[part + 4] *= lower;
    body.length[part + 6] *= lower;
  }
  body.length[kTorso] *= Clipped(random, 0.05);
  body.radius[kHead] *= Clipped(random, 0.05);
  body.shoulder_width = kShoulderWidth * height * Clipped(random, 0.08);
  body.hip_width = kHipWidth * height * Clipped(random, 0.08);
  return body;
}

BodyFrames PlaceBody(const Body& body, const Pose& pose, double yaw) {
  BodyFrames frames;
  const Mat3 root = RotateY(yaw);
  const Mat3 torso = root * RotateX(pose.pitch) * RotateY(pose.twist);
  frames[kTorso] = {torso, {}};
  const double torso_length = body.length[kTorso];
  frames[kHead] = {torso, torso * Vec3{0, torso_length + kNeck, 0}};
  for (int side = 0; side < 2; ++side) {
    // Facing +z with y up, the left hand is on the side of +x.
    const double sign = side == 0 ? 1.0 : -1.0;
    const Limb& arm = pose.arms[side];
    const int upper = kLeftUpperArm + 2 * side;
    const Mat3 shoulder = torso * RotateZ(sign * arm.abduction) * RotateX(-arm.flexion);
    const Mat3 elbow = shoulder * RotateZ(sign * arm.sweep) * RotateX(-arm.bend);
    const Vec3 shoulder_at = torso * Vec3{sign * body.shoulder_width, torso_length, 0};
    frames[upper] = {shoulder, shoulder_at};
    frames[upper + 1] = {elbow, shoulder_at + shoulder * Vec3{0, -body.length[upper], 0}};

    const Limb& leg = pose.legs[side];
    const int thigh = kLeftThigh + 2 * side;
    const Mat3 hip = root * RotateZ(sign * leg.abduction) * RotateX(-leg.flexion);
    const Mat3 knee = hip * RotateX(leg.bend);
    const Vec3 hip_at = root * Vec3{sign * body.hip_width, 0, 0};
    frames[thigh] = {hip, hip_at};
    frames[thigh + 1] = {knee, hip_at + hip * Vec3{0, -body.length[thigh], 0}};
  }
  double lowest = 0;
  for (const int shin : {kLeftShin, kRightShin}) {
    const Vec3 foot = frames[shin].origin + frames[shin].rotation * Vec3{0, -body.length[shin], 0};
    lowest = std::min(lowest, foot.y - body.radius[shin]);
  }
  const Vec3 shift = root * Vec3{0, 0, pose.advance} + Vec3{0, pose.lift - lowest, 0};
  for (PartFrame& frame : frames) {
    frame.origin = frame.origin + shift;
  }
  return frames;
}

std::vector<SurfacePoint> SampleSurface(const Body& body, std::int64_t count, RandomStream random) {
  // By Archimedes a sphere's zone has the area of the cylinder around it, so a capsule's area is
  // that of a cylinder of the axis' length plus one diameter.
  std::array<double, kPartCount> end{};
  double total = 0;
  for (int part = 0; part < kPartCount; ++part) {
    total += body.radius[part] * (body.length[part] + 2 * body.radius[part]);
    end[part] = total;
  }
  std::vector<SurfacePoint> points(static_cast<std::size_t>(count));
  for (SurfacePoint& point : points) {
    const double pick = random.Uniform() * total;
    int part = 0;
    while (part + 1 < kPartCount && pick >= end[part]) ++part;
    const double length = body.length[part], radius = body.radius[part];
    const double along = random.Uniform(-radius, length + radius);
    const double beyond = along < 0 ? along : along > length ? along - length : 0.0;
    const double ring = std::sqrt(std::max(0.0, radius * radius - beyond * beyond));
    const double angle = random.Uniform(0, 2 * kPi);
    point.part = part;
    point.local = {ring * Cos(angle), AxisSign(part) * along, ring * Sin(angle)};
  }
  return points;
}

}  // namespace cross4d::synthetic4d
