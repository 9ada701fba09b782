// SPDX-License-Identifier: Apache-2.0
// Inside core/geometry only: checks of clouds, and the structure-of-arrays form that vectorises.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cross4d::geometry {

/// Number of points of a [N, 3] cloud; Error(kInput) when it is empty or its size is no multiple
/// of 3. `what` names the cloud in the message.
std::int64_t CloudSize(std::span<const float> points, const std::string& what);
/// Error(kInput) that names the first point with a coordinate that is not finite.
void RequireFinite(std::span<const float> points, const std::string& what);

/// x, y and z of a cloud in arrays of their own, padded to a multiple of `block` with points so far
/// away that their squared distance is infinite, so that inner loops have a fixed length.
struct CloudArrays {
  CloudArrays(std::span<const float> points, std::int64_t block);
  std::int64_t size = 0, padded = 0;
  std::vector<float> x, y, z;
};

}  // namespace cross4d::geometry
