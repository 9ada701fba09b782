// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace cross4d::clips {

/// The usual Dataset::Fingerprint: a hash over the names and sizes of the files in use, in a fixed
/// order; reading 57,000 files for their content would cost minutes.
class FolderFingerprint {
 public:
  /// A missing file counts with size 0.
  void Add(const std::filesystem::path& file);
  /// For files whose size the index knows already.
  void Add(const std::string& name, std::uint64_t size);
  /// "861 files, 00c0ffee00c0ffee"
  std::string Text() const;

 private:
  std::uint64_t hash_ = 0;
  std::int64_t files_ = 0;
};

}  // namespace cross4d::clips
