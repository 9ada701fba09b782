// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cross4d::test {

/// A file as the challenge gives them out. Point p of frame t of sequence s is
/// (s + 1, t + p / 1024, 2); its semantic id is (s + t + p) % 49, the frame's action (s + t) % 19.
struct Hdf5Spec {
  std::int64_t sequences = 2, frames = 6, points = 40;
  std::string labels = "semantic";  ///< or "label", or "" for none
  std::string name = "pcd";
  std::string layout = "contiguous";  ///< "chunked", "gzip"
  bool doubles = false;
  std::string label_type = "i64";         ///< "i8", "u8", "i16", "i32"
  std::vector<std::int64_t> zero_frames;  ///< of every sequence: all points at the origin
  bool data = true;                       ///< false: a file without content, which reads as zeros
};
void WriteHdf5(const std::filesystem::path& path, const Hdf5Spec& spec);

/// The size of a real file (22 GB and more), on disk as large as the one sequence written in it.
void WriteSparseHdf5(const std::filesystem::path& path, std::int64_t sequence);
inline constexpr std::int64_t kSparseRows = 750, kSparseFrames = 300, kSparsePoints = 8192;

/// A file with one array of another name and shape.
void WriteOtherHdf5(const std::filesystem::path& path);

}  // namespace cross4d::test
