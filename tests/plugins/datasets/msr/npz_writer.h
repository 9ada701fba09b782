// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

/// .npz files as NumPy writes them, byte for byte where it matters.
namespace cross4d::test {

using Shape = std::vector<std::int64_t>;

/// An array of doubles within a pickled stream.
struct PickledArray {
  Shape shape;
  std::string payload;
  std::string type = "f8";
  bool fortran = false;
};

/// The bytes of `values` as type T.
template <class T>
std::string BytesOf(const std::vector<double>& values) {
  std::string bytes;
  for (const double value : values) {
    const T v = static_cast<T>(value);
    bytes.append(reinterpret_cast<const char*>(&v), sizeof v);
  }
  return bytes;
}

/// A plain .npy file.
std::string Npy(const Shape& shape, const std::string& payload, const std::string& type = "<f8");
/// An .npy file of dtype object: one pickled array per element. `global` makes the arrays.
std::string ObjectNpy(const std::vector<PickledArray>& arrays,
                      const std::string& global = "numpy.core.multiarray\n_reconstruct\n");
/// An .npz file (members stored). `zip64`: sizes stand in the local header's zip64 field, as NumPy
/// writes them.
std::string Npz(const std::string& array, const std::string& npy, bool zip64 = true);

/// x, y, z of `count` pixels of 320 x 240, as the community unprojects them: row 100, columns from
/// 150 on, `depth` counts.
std::vector<double> PublishedPoints(std::int64_t count, double depth);

void WriteText(const std::filesystem::path& path, const std::string& bytes);

}  // namespace cross4d::test
