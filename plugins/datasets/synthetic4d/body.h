// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/random.h>

#include <array>
#include <cstdint>
#include <vector>

#include "portable_math.h"

namespace cross4d::synthetic4d {

/// The ten capsules, in the order of the part labels.
enum Part {
  kHead,
  kTorso,
  kLeftUpperArm,
  kLeftForearm,
  kRightUpperArm,
  kRightForearm,
  kLeftThigh,
  kLeftShin,
  kRightThigh,
  kRightShin,
  kPartCount,
};

/// Lengths of one subject [m].
struct Body {
  std::array<double, kPartCount> length{};
  std::array<double, kPartCount> radius{};
  double shoulder_width = 0;  ///< from the spine to one shoulder
  double hip_width = 0;       ///< from the spine to one hip
};

/// Joint angles [rad]; all 0 = standing upright with the arms hanging down.
struct Limb {
  double flexion = 0;    ///< forward
  double abduction = 0;  ///< away from the body's middle
  double bend = 0;       ///< elbow: hand forward and up; knee: heel backward
  double sweep = 0;      ///< elbow only: forearm in the frontal plane, outward
};
struct Pose {
  std::array<Limb, 2> arms, legs;  ///< 0 left, 1 right
  double pitch = 0;                ///< torso, forward
  double twist = 0;                ///< torso about its axis, right shoulder forward
  double lift = 0;                 ///< of the lowest foot above the ground [m]
  double advance = 0;              ///< way in facing direction [m]

  /// Left becomes right.
  Pose Mirrored() const;
};

/// Where a part stands: world = rotation * local + origin; the capsule's axis is local y from 0 to
/// -length (torso and head: +length).
struct PartFrame {
  Mat3 rotation;
  Vec3 origin;
};
using BodyFrames = std::array<PartFrame, kPartCount>;

/// A point fixed to the surface of a part.
struct SurfacePoint {
  std::int64_t part = 0;
  Vec3 local;
};

/// Random limb lengths and girths.
Body MakeBody(RandomStream random);
/// Stands on the ground y = 0, faces +z turned by `yaw` about y. y is up, units are metres.
BodyFrames PlaceBody(const Body& body, const Pose& pose, double yaw);
/// `count` points, uniform over the surface of all capsules.
std::vector<SurfacePoint> SampleSurface(const Body& body, std::int64_t count, RandomStream random);

}  // namespace cross4d::synthetic4d
