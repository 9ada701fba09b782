// SPDX-License-Identifier: Apache-2.0
#include "anime_writer.h"

#include <fstream>

namespace cross4d::test {
namespace {

template <class T>
std::string Raw(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

}  // namespace

std::string Anime::Bytes() const {
  const std::vector<std::int32_t> header = {static_cast<std::int32_t>(1 + offsets.size()),
                                            static_cast<std::int32_t>(first.size() / 3),
                                            static_cast<std::int32_t>(triangles.size())};
  std::string bytes = Raw(header) + Raw(first) + Raw(triangles);
  for (const std::vector<float>& frame : offsets) bytes += Raw(frame);
  return bytes;
}

Anime Tetrahedron(int frames) {
  Anime anime{
      {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1}, {{0, 2, 1}, {0, 1, 3}, {0, 3, 2}, {1, 2, 3}}, {}};
  for (int t = 1; t < frames; ++t) {
    std::vector<float> offsets;
    const float by = static_cast<float>(t) / 10;
    for (std::size_t i = 0; i < anime.first.size(); ++i) {
      offsets.push_back(by * anime.first[i] + (i % 3 == 0 ? by : 0));
    }
    anime.offsets.push_back(offsets);
  }
  return anime;
}

void WriteText(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace cross4d::test
