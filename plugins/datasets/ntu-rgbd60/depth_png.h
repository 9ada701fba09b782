// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cross4d::ntu_rgbd60 {

inline constexpr std::uint32_t kColumns = 512, kRows = 424;

/// A pixel with a depth.
struct Pixel {
  std::uint16_t column = 0, row = 0;
  std::uint16_t depth = 0;  ///< [mm], never 0
};

/// The pixels with a depth of a 16-bit greyscale PNG of 512 x 424, in raster order. Error(kInput)
/// with the byte: a damaged file, or an image of another kind, which is named.
void ReadDepthPng(const std::string& path, std::vector<Pixel>* pixels);

}  // namespace cross4d::ntu_rgbd60
