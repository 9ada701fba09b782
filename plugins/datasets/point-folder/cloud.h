// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

/// Readers of single point clouds. All are bounds-checked, free of LibTorch, and throw
/// Error(kInput) that names the file, the line or byte offset, what was found and what was
/// expected.
namespace cross4d::point_folder {

/// The points of one frame.
struct Cloud {
  std::vector<float> xyz;            ///< 3 per point, all finite
  std::vector<std::int64_t> labels;  ///< one per point; empty = the file has none

  std::int64_t size() const { return static_cast<std::int64_t>(xyz.size() / 3); }
};

using Bytes = std::span<const unsigned char>;

/// PLY: ASCII, binary little and big endian. Element `vertex` with x, y, z of any number type, and
/// `label` if it is there; other elements and properties are passed over.
Cloud ParsePly(Bytes file, const std::string& name);

/// PCD 0.7 and before: ASCII, binary and binary_compressed (LZF). Fields x, y, z of any number
/// type, and `label` if it is there; other fields are passed over.
Cloud ParsePcd(Bytes file, const std::string& name);

/// One point a line: three numbers with spaces, tabs, commas or semicolons between; what follows
/// them is passed over, as are empty lines and those that begin with # or //.
Cloud ParseXyz(Bytes file, const std::string& name);

/// One whole number a line, else as above.
std::vector<std::int64_t> ParseLabels(Bytes file, const std::string& name);

}  // namespace cross4d::point_folder
