// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cross4d::test {

/// What an .anime file holds; later frames as offsets from frame 0.
struct Anime {
  std::vector<float> first;  ///< xyz of every vertex
  std::vector<std::array<std::int32_t, 3>> triangles;
  std::vector<std::vector<float>> offsets;

  std::string Bytes() const;
};

/// A tetrahedron; frame t is moved by t / 10 along x and grown by t / 10.
Anime Tetrahedron(int frames);

void WriteText(const std::filesystem::path& path, const std::string& bytes);

}  // namespace cross4d::test
