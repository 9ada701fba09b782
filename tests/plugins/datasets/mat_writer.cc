// SPDX-License-Identifier: Apache-2.0
#include "mat_writer.h"

#include <zlib.h>

#include <cstring>
#include <fstream>
#include <stdexcept>

namespace cross4d::test {
namespace {

void PutU32(Bytes& out, std::uint32_t value) {
  const auto* p = reinterpret_cast<const unsigned char*>(&value);
  out.insert(out.end(), p, p + 4);
}

void PutElement(Bytes& out, std::uint32_t type, const Bytes& data) {
  PutU32(out, type);
  PutU32(out, static_cast<std::uint32_t>(data.size()));
  out.insert(out.end(), data.begin(), data.end());
  out.resize((out.size() + 7) / 8 * 8);
}

template <class T>
Bytes CopyBytes(const std::vector<T>& values) {
  Bytes bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

}  // namespace

Bytes MatMatrix(const std::vector<std::int32_t>& dims, std::uint32_t type, const Bytes& data) {
  Bytes body;
  PutElement(body, 6, {type == 4 ? std::uint8_t{11} : std::uint8_t{6}, 0, 0, 0, 0, 0, 0, 0});
  PutElement(body, 5, CopyBytes(dims));
  PutElement(body, 1, {'d', '_', 'd', 'e', 'p', 't', 'h'});
  PutElement(body, type, data);
  Bytes element;
  PutElement(element, 14, body);
  return element;
}

Bytes MatFile(const Bytes& matrix, bool compressed) {
  Bytes file(128, ' ');
  std::memcpy(file.data(), "MATLAB 5.0 MAT-file", 19);
  file[124] = 0;
  file[125] = 1;
  file[126] = 'I';
  file[127] = 'M';
  if (!compressed) {
    file.insert(file.end(), matrix.begin(), matrix.end());
    return file;
  }
  Bytes packed(compressBound(matrix.size()));
  uLongf size = packed.size();
  if (compress(packed.data(), &size, matrix.data(), matrix.size()) != Z_OK) {
    throw std::runtime_error("zlib cannot compress");
  }
  PutU32(file, 15);
  PutU32(file, static_cast<std::uint32_t>(size));
  file.insert(file.end(), packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size));
  return file;
}

Bytes AsBytes(const std::vector<std::uint16_t>& values) { return CopyBytes(values); }
Bytes AsBytes(const std::vector<double>& values) { return CopyBytes(values); }

void WriteFile(const std::filesystem::path& path, const Bytes& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace cross4d::test
