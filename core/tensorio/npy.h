// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensorio/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

/// NumPy's .npy and .npz. Object arrays of numeric arrays (ragged clips: one [N_t, 3] array per
/// frame) are read through the allow-list unpickler; any other pickled object is refused by name.
namespace cross4d::tensorio {

/// A numeric array; row-major whatever the file's order.
struct NumericArray {
  DType dtype = DType::kF64;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;

  std::int64_t elements() const;
  /// Any type, converted.
  std::vector<double> ToDoubles() const;
};

struct NpyArray {
  bool is_object = false;
  std::vector<std::int64_t> shape;  ///< of the array itself
  /// The array, or the elements of an object array in row-major order.
  std::vector<NumericArray> items;
};

/// `file`: the bytes of a whole .npy file, versions 1 to 3; `name` is for messages.
/// Error(kInput): damaged, big-endian, structured or text types, foreign pickled objects.
NpyArray ParseNpy(std::span<const std::byte> file, const std::string& name);
NpyArray ReadNpy(const std::filesystem::path& path);
/// Array `array` (without ".npy") of an .npz file.
NpyArray ReadNpz(const std::filesystem::path& path, const std::string& array);
/// Its header alone: shape and is_object without the items. Unpacks the first 4 KiB of the array.
NpyArray ReadNpzHeader(const std::filesystem::path& path, const std::string& array);
/// Names of the arrays in an .npz file.
std::vector<std::string> ListNpz(const std::filesystem::path& path);

}  // namespace cross4d::tensorio
