// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

/// Inside tensorio: what stands in front of an .npy file's data.
namespace cross4d::tensorio {

inline constexpr std::size_t kMaxSides = 16;

struct NpyHeader {
  std::string type;  ///< "<f8", "|O", …
  bool fortran = false;
  std::vector<std::int64_t> shape;
  std::size_t data_begin = 0;
};

/// `file`: at least the header's bytes. Error(kInput) with `name`.
NpyHeader ParseNpyHeader(std::span<const std::byte> file, const std::string& name);

}  // namespace cross4d::tensorio
