// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace cross4d::hoi4d {

/// One of the challenge's HDF5 files: sequences of one shape, `pcd` [n, T, N, 3] with labels
/// `semantic` [n, T, N] or `label` [n, T]. Reads what is asked for only. Safe for threads: all
/// calls of the HDF5 library take one lock, whether it was built for threads or not.
class Hdf5File {
 public:
  /// `labels`: the array's name, or empty for none. Error(kInput) with the file and what it holds
  /// instead: no HDF5, truncated, another layout.
  Hdf5File(const std::filesystem::path& path, const std::string& labels);
  ~Hdf5File();
  Hdf5File(const Hdf5File&) = delete;
  Hdf5File& operator=(const Hdf5File&) = delete;

  const std::string& path() const { return path_; }
  std::int64_t sequences() const { return sequences_; }
  std::int64_t frames() const { return frames_; }  ///< T
  std::int64_t points() const { return points_; }  ///< N

  /// The frames of one sequence (ascending, none twice): [frames.size(), N, 3], and as many labels
  /// as the array has for them (none, one per frame or one per point).
  void Read(std::int64_t sequence,
            const std::vector<std::int64_t>& frames,
            std::vector<float>* xyz,
            std::vector<std::int64_t>* labels) const;

 private:
  struct Handles;

  std::string path_;
  std::unique_ptr<Handles> handles_;
  std::int64_t sequences_ = 0, frames_ = 0, points_ = 0;
};

}  // namespace cross4d::hoi4d
