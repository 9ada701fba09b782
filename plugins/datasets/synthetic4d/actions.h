// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "body.h"

namespace cross4d::synthetic4d {

inline constexpr std::array<const char*, 10> kActionNames{
    "wave", "hammer", "punch", "throw", "clap", "bow", "kick", "walk", "squat", "jump"};

/// How one person does one clip: factors around 1, offsets around 0.
struct Style {
  double amplitude = 1;  ///< of every motion
  double tempo = 1;      ///< of repeated motions
  double phase = 0;      ///< of repeated motions [rad]
  Pose rest;             ///< joint angles of the standing person
  double raise = 0;      ///< how high the acting arm or leg is carried [rad]
};

/// `spread` 0 = everybody moves alike. The clip's own share is a third of the person's.
Style MakeStyle(double spread, RandomStream person, RandomStream clip);

/// The pose of `action` (index into kActionNames) at `time`: 0 start, 1 end. Before and after,
/// actions done once stand still, repeated ones go on.
Pose ActionPose(std::int64_t action, double time, const Style& style);

}  // namespace cross4d::synthetic4d
