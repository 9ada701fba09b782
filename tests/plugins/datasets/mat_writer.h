// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cross4d::test {

using Bytes = std::vector<unsigned char>;

/// A matrix element of a MAT v5 file: `type` 4 = 16-bit unsigned, 9 = double; column-major `data`.
Bytes MatMatrix(const std::vector<std::int32_t>& dims, std::uint32_t type, const Bytes& data);
/// A whole file with that element, zlib-compressed or plain.
Bytes MatFile(const Bytes& matrix, bool compressed = true);
Bytes AsBytes(const std::vector<std::uint16_t>& values);
Bytes AsBytes(const std::vector<double>& values);
void WriteFile(const std::filesystem::path& path, const Bytes& bytes);

}  // namespace cross4d::test
