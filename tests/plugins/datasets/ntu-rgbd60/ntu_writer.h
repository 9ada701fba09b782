// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cross4d::test {

/// Depth images of 512 x 424 [mm], row-major, 0 = masked.
using Depth = std::vector<std::uint16_t>;

/// `valid` pixels in rows of 40 from (row 200, column 240), their depth rising from `mm`.
Depth Block(int valid, int mm);
/// A body-like blob of about 10,000 pixels whose depth has a sensor's noise.
Depth Body(std::uint64_t seed);

/// How the official images are, or, for damage, are not.
struct PngKind {
  std::uint32_t width = 512, height = 424;
  int bits = 16;
  int colour = 0;  ///< PNG's number: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha
  bool interlaced = false;
};
/// `depth` fills a 16-bit greyscale image; any other kind gets zeros.
void WritePng(const std::filesystem::path& path, const Depth& depth, const PngKind& kind = {});
/// MDepth-00000001.png, … in `folder`.
void WriteVideo(const std::filesystem::path& folder, const std::vector<Depth>& frames);

/// PSTNet's points of the same images: (column - 256) / 280 * z, z = mm / 65535, one pickled
/// object array as numpy.savez_compressed(data=…) writes it (protocol 4), or, if `plain`, one
/// numeric array of the first frame's count.
void WritePoints(const std::filesystem::path& file,
                 const std::vector<Depth>& frames,
                 bool plain = false);
/// An .npz with one member.
void WriteNpz(const std::filesystem::path& file,
              const std::string& array,
              const std::string& npy_bytes);

std::string ReadBytes(const std::filesystem::path& path);
void WriteBytes(const std::filesystem::path& path, const std::string& bytes);

}  // namespace cross4d::test
