// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace cross4d::utd_mhad {

/// Weak part labels, in this order.
inline constexpr std::array<const char*, 6> kPartNames{
    "head", "torso", "left arm", "right arm", "left leg", "right leg"};

/// The skeleton of a video: 20 Kinect joints per frame.
class Skeleton {
 public:
  /// Reads a `*_skeleton.mat` (array 20 x 3 x T of doubles, metres, y up). Throws Error(kInput).
  explicit Skeleton(const std::string& path);

  std::int64_t frames() const { return frames_; }
  /// Labels of `count` points of one frame: the part of the nearest bone (its flesh's surface).
  /// `xyz`: 3 * count floats, metres, y down as in the depth image; `labels`: `count` numbers.
  void Label(std::int64_t frame, const float* xyz, std::int64_t count, std::int64_t* labels) const;

 private:
  std::int64_t frames_ = 0;
  std::vector<float> joints_;  ///< [T][20][3], metres, y down
};

}  // namespace cross4d::utd_mhad
