// SPDX-License-Identifier: Apache-2.0
#include "skeleton.h"

#include <algorithm>
#include <limits>

#include "mat5.h"

namespace cross4d::utd_mhad {
namespace {

constexpr std::int64_t kJoints = 20;

// Joints of the Kinect SDK 1 in UTD-MHAD's order.
enum Joint {
  kHead,
  kNeck,
  kSpine,
  kHips,
  kLeftShoulder,
  kLeftElbow,
  kLeftWrist,
  kLeftHand,
  kRightShoulder,
  kRightElbow,
  kRightWrist,
  kRightHand,
  kLeftHip,
  kLeftKnee,
  kLeftAnkle,
  kLeftFoot,
  kRightHip,
  kRightKnee,
  kRightAnkle,
  kRightFoot,
};

struct Bone {
  int from, to;
  std::int32_t part;
  float radius;  // of the flesh around it [m]: a torso is thicker than an arm that hangs beside it
};
constexpr std::array<Bone, 21> kBones{{
    {kHead, kNeck, 0, 0.09f},
    {kNeck, kSpine, 1, 0.15f},
    {kSpine, kHips, 1, 0.15f},
    {kNeck, kLeftShoulder, 1, 0.08f},
    {kNeck, kRightShoulder, 1, 0.08f},
    {kLeftShoulder, kLeftHip, 1, 0.08f},
    {kRightShoulder, kRightHip, 1, 0.08f},
    {kHips, kLeftHip, 1, 0.12f},
    {kHips, kRightHip, 1, 0.12f},
    {kLeftShoulder, kLeftElbow, 2, 0.05f},
    {kLeftElbow, kLeftWrist, 2, 0.04f},
    {kLeftWrist, kLeftHand, 2, 0.04f},
    {kRightShoulder, kRightElbow, 3, 0.05f},
    {kRightElbow, kRightWrist, 3, 0.04f},
    {kRightWrist, kRightHand, 3, 0.04f},
    {kLeftHip, kLeftKnee, 4, 0.08f},
    {kLeftKnee, kLeftAnkle, 4, 0.06f},
    {kLeftAnkle, kLeftFoot, 4, 0.05f},
    {kRightHip, kRightKnee, 5, 0.08f},
    {kRightKnee, kRightAnkle, 5, 0.06f},
    {kRightAnkle, kRightFoot, 5, 0.05f},
}};

// Eight points at a time, component by component. Vectors of the compiler's own instead of a loop:
// whether a bone is nearer cannot be predicted, and GCC 12 makes a branch of it.
constexpr std::int64_t kLanes = 8;
using Floats = float __attribute__((vector_size(kLanes * sizeof(float))));
using Ints = std::int32_t __attribute__((vector_size(kLanes * sizeof(std::int32_t))));

// Power distance to the capsule around each bone (squared distance to its axis less squared radius,
// so no root): the smallest wins, on a tie the earlier bone.
void FindNearestPart(
    const float* joints, const Floats& x, const Floats& y, const Floats& z, Ints& nearest_part) {
  Floats nearest = Floats{} + std::numeric_limits<float>::max();
  for (const Bone& bone : kBones) {
    const float* from = joints + 3 * bone.from;
    const float* to = joints + 3 * bone.to;
    const float dx = to[0] - from[0], dy = to[1] - from[1], dz = to[2] - from[2];
    const float length2 = dx * dx + dy * dy + dz * dz;
    const float inverse = length2 > 0 ? 1 / length2 : 0;
    const Floats px = x - from[0], py = y - from[1], pz = z - from[2];
    Floats along = (px * dx + py * dy + pz * dz) * inverse;
    along = along > 0.0f ? along : Floats{};
    along = along < 1.0f ? along : Floats{} + 1.0f;
    const Floats qx = px - along * dx, qy = py - along * dy, qz = pz - along * dz;
    const Floats distance = qx * qx + qy * qy + qz * qz - bone.radius * bone.radius;
    const Ints nearer = distance < nearest;
    nearest = nearer ? distance : nearest;
    nearest_part = nearer ? Ints{} + bone.part : nearest_part;
  }
}

}  // namespace

Skeleton::Skeleton(const std::string& path) {
  MatArray array(path, MatType::kDouble);
  const auto& dims = array.dims();
  if (dims.size() > 3 || dims[0] != kJoints || dims[1] != 3) {
    array.Fail("array of " + array.DimsText() + ", expected 20 joints x 3 coordinates x frames");
  }
  frames_ = dims.size() == 3 ? dims[2] : 1;
  std::array<double, kJoints * 3> raw;
  for (std::int64_t t = 0; t < frames_; ++t) {
    array.Read(
        raw.data(), sizeof raw, "frame " + std::to_string(t) + " of " + std::to_string(frames_));
    for (std::size_t j = 0; j < kJoints; ++j) {
      joints_.push_back(static_cast<float>(raw[j]));
      joints_.push_back(static_cast<float>(-raw[kJoints + j]));
      joints_.push_back(static_cast<float>(raw[2 * kJoints + j]));
    }
  }
  array.Finish();
}

void Skeleton::Label(std::int64_t frame,
                     const float* xyz,
                     std::int64_t count,
                     std::int64_t* labels) const {
  const float* joints = &joints_[static_cast<std::size_t>(frame * kJoints * 3)];
  for (std::int64_t begin = 0; begin < count; begin += kLanes) {
    const std::int64_t size = std::min(kLanes, count - begin);
    Floats x{}, y{}, z{};
    for (std::int64_t i = 0; i < size; ++i, xyz += 3) {
      x[i] = xyz[0];
      y[i] = xyz[1];
      z[i] = xyz[2];
    }
    Ints part{};
    FindNearestPart(joints, x, y, z, part);
    for (std::int64_t i = 0; i < size; ++i) labels[begin + i] = part[i];
  }
}

}  // namespace cross4d::utd_mhad
