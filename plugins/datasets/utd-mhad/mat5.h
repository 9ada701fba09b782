// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// A bounds-checked streaming reader of MAT-files, version 5, that begin with one numeric array, as
/// UTD-MHAD's depth and skeleton files do. Free of LibTorch.
namespace cross4d::utd_mhad {

/// How the array's numbers are stored (MAT v5 data types).
enum class MatType : std::uint32_t { kUint16 = 4, kDouble = 9 };

/// The first variable of a file, read front to back and inflated on the way: what the caller does
/// not keep is never held. One thread at a time. Throws Error(kInput) that names the file, the byte
/// offset in it and what was expected there.
class MatArray {
 public:
  /// Reads the file and the array's header. With `first_bytes` only that much of the file is read:
  /// enough for dims().
  MatArray(const std::string& path, MatType type, std::size_t first_bytes = SIZE_MAX);
  /// From memory; `name` stands for the path in messages.
  MatArray(std::string name, std::vector<unsigned char> bytes, MatType type);
  ~MatArray();
  MatArray(const MatArray&) = delete;
  MatArray& operator=(const MatArray&) = delete;

  /// At least two, all > 0; the first index runs fastest in the data (column-major).
  const std::vector<std::int64_t>& dims() const { return dims_; }
  /// "240 x 320 x 68"
  std::string DimsText() const;
  /// Copies the next `size` bytes of data; `what` tells what they are ("frame 3 of 68").
  void Read(void* target, std::size_t size, const std::string& what);
  /// After the last Read: verifies the checksum of the compressed data.
  void Finish();
  /// Throws an error about this file at the present offset.
  [[noreturn]] void Fail(const std::string& problem) const;

 private:
  class Source;

  void ReadHeader(MatType type);
  /// Returns the number of elements.
  std::int64_t ReadDims();

  std::string name_;
  std::unique_ptr<Source> source_;
  std::vector<std::int64_t> dims_;
  std::uint64_t left_ = 0;  ///< bytes of data not yet read
};

}  // namespace cross4d::utd_mhad
