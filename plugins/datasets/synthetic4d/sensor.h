// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "body.h"

namespace cross4d::synthetic4d {

/// A depth camera in front of the body, looking along -z, at `kSensorHeight` above the ground.
struct Sensor {
  double distance = 3.2;  ///< from the body's place [m]
};
inline constexpr double kSensorHeight = 1.0;

/// Indices of `world` points that the camera sees, ascending: those not farther than 3.5 cm behind
/// the nearest point of their pixel (72 x 72 pixels over 2.3 m at 3.2 m).
std::vector<std::int32_t> VisiblePoints(const Sensor& sensor, const std::vector<Vec3>& world);

}  // namespace cross4d::synthetic4d
