// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <utility>

#include "cloud.h"
#include "lzf.h"
#include "scalars.h"

namespace cross4d::point_folder {
namespace {

constexpr std::string_view kSpace = " \t\r";

struct PcdField {
  std::string name;
  std::size_t size = 4, count = 1;
  char type = 'F';
  Scalar scalar = Scalar::kFloat;

  std::size_t bytes() const { return size * count; }
};

struct PcdHeader {
  std::vector<PcdField> fields;
  std::int64_t points = -1, width = -1, height = 1;
  std::string data;

  std::size_t PointBytes() const {
    std::size_t bytes = 0;
    for (const PcdField& field : fields) bytes += field.bytes();
    return bytes;
  }
};

Scalar PcdScalar(const PcdField& field, const Lines& lines) {
  constexpr std::array<std::pair<std::pair<char, int>, Scalar>, 10> kScalars{
      {{{'I', 1}, Scalar::kInt8},
       {{'U', 1}, Scalar::kUint8},
       {{'I', 2}, Scalar::kInt16},
       {{'U', 2}, Scalar::kUint16},
       {{'I', 4}, Scalar::kInt32},
       {{'U', 4}, Scalar::kUint32},
       {{'I', 8}, Scalar::kInt64},
       {{'U', 8}, Scalar::kUint64},
       {{'F', 4}, Scalar::kFloat},
       {{'F', 8}, Scalar::kDouble}}};
  for (const auto& [key, scalar] : kScalars) {
    if (key.first == field.type && key.second == static_cast<int>(field.size)) return scalar;
  }
  lines.Fail("field " + Quote(field.name) + " is of type " + Quote(std::string(1, field.type)) +
             " and size " + std::to_string(field.size) +
             ", expected I, U of 1, 2, 4, 8 or F of 4, 8");
}

std::int64_t PcdCount(std::string_view word, const Lines& lines) {
  const auto value = ParseWhole(word);
  if (!value || *value < 0 || *value > 1'000'000'000) {
    lines.Fail("found " + Quote(word) + ", expected a whole number up to 1000000000");
  }
  return *value;
}

// FIELDS, SIZE, TYPE and COUNT: one word per field.
void SetFields(const std::vector<std::string_view>& words, PcdHeader* header, const Lines& lines) {
  if (words[0] == "FIELDS") header->fields.assign(words.size() - 1, {});
  if (words.size() - 1 != header->fields.size()) {
    lines.Fail(std::string(words[0]) + " has " + std::to_string(words.size() - 1) +
               " entries, expected " + std::to_string(header->fields.size()) + " as FIELDS");
  }
  for (std::size_t i = 1; i < words.size(); ++i) {
    PcdField& field = header->fields[i - 1];
    if (words[0] == "FIELDS") field.name = words[i];
    if (words[0] == "TYPE") field.type = words[i].front();
    if (words[0] == "SIZE") field.size = static_cast<std::size_t>(PcdCount(words[i], lines));
    if (words[0] == "COUNT") field.count = static_cast<std::size_t>(PcdCount(words[i], lines));
  }
}

void SetHeaderLine(const std::vector<std::string_view>& words,
                   PcdHeader* header,
                   const Lines& lines) {
  if (words[0] == "FIELDS" || words[0] == "SIZE" || words[0] == "TYPE" || words[0] == "COUNT") {
    return SetFields(words, header, lines);
  }
  if (words[0] == "VERSION" || words[0] == "VIEWPOINT") return;
  const std::string_view value = words.size() == 2 ? words[1] : "";
  if (words[0] == "WIDTH") {
    header->width = PcdCount(value, lines);
  } else if (words[0] == "HEIGHT") {
    header->height = PcdCount(value, lines);
  } else if (words[0] == "POINTS") {
    header->points = PcdCount(value, lines);
  } else if (words[0] == "DATA") {
    header->data = value;
  } else {
    lines.Fail("found " + Quote(words[0]) +
               ", expected VERSION, FIELDS, SIZE, TYPE, COUNT, WIDTH, HEIGHT, VIEWPOINT, POINTS or "
               "DATA: not a PCD file");
  }
}

PcdHeader ReadPcdHeader(Lines* lines) {
  PcdHeader header;
  while (header.data.empty()) {
    const auto words = lines->NextWords(kSpace, /*comments=*/true);
    if (words.empty())
      lines->FailAt(lines->offset(), "the file ends within its header; expected DATA");
    SetHeaderLine(words, &header, *lines);
  }
  if (header.data != "ascii" && header.data != "binary" && header.data != "binary_compressed") {
    lines->Fail("DATA " + Quote(header.data) + ", expected ascii, binary or binary_compressed");
  }
  for (PcdField& field : header.fields) field.scalar = PcdScalar(field, *lines);
  if (header.points < 0 && header.width >= 0) header.points = header.width * header.height;
  if (header.points < 0) lines->Fail("the header has neither POINTS nor WIDTH");
  return header;
}

/// Where the wanted fields stand: index, and byte offset within a point.
struct PcdLayout {
  PcdLayout(const PcdHeader& header, const Lines& lines) {
    std::size_t offset = 0;
    for (std::size_t i = 0; i < header.fields.size(); ++i) {
      const PcdField& field = header.fields[i];
      for (std::size_t k = 0; k < 4; ++k) {
        constexpr std::array<std::string_view, 4> kNames{"x", "y", "z", "label"};
        if (field.name != kNames[k] || field.count != 1) continue;
        index[k] = static_cast<int>(i);
        at[k] = offset;
      }
      offset += field.bytes();
    }
    for (std::size_t k = 0; k < 3; ++k) {
      if (index[k] < 0) lines.Fail(std::string("FIELDS has no ") + "xyz"[k]);
    }
  }
  std::array<int, 4> index{-1, -1, -1, -1};
  std::array<std::size_t, 4> at{};
};

// Empty, or what is wrong with the point.
std::string AddPoint(const std::array<double, 4>& values, bool label, Cloud* cloud) {
  const float xyz[3] = {
      static_cast<float>(values[0]), static_cast<float>(values[1]), static_cast<float>(values[2])};
  if (std::string bad = NotFinite(cloud->size(), xyz); !bad.empty()) return bad;
  cloud->xyz.insert(cloud->xyz.end(), xyz, xyz + 3);
  if (!label) return {};
  if (!(std::abs(values[3]) <= 1e9) || values[3] != std::floor(values[3])) {
    return "point " + std::to_string(cloud->size() - 1) + ": label is no whole number";
  }
  cloud->labels.push_back(static_cast<std::int64_t>(values[3]));
  return {};
}

Cloud AsciiPoints(const PcdHeader& header, const PcdLayout& layout, Lines* lines) {
  Cloud cloud;
  std::array<std::size_t, 4> column{};
  for (std::size_t k = 0; k < 4; ++k) {
    for (int i = 0; i < layout.index[k]; ++i)
      column[k] += header.fields[static_cast<std::size_t>(i)].count;
  }
  for (std::int64_t p = 0; p < header.points; ++p) {
    const auto words = lines->NextWords(kSpace, /*comments=*/true);
    if (words.empty()) {
      lines->Fail("the file ends after " + std::to_string(p) + " of " +
                  std::to_string(header.points) + " points; is it cut?");
    }
    std::array<double, 4> values{};
    for (std::size_t k = 0; k < 4; ++k) {
      if (layout.index[k] < 0) continue;
      const auto value = column[k] < words.size() ? ParseNumber(words[column[k]]) : std::nullopt;
      if (!value) {
        lines->Fail("found " +
                    (column[k] < words.size() ? Quote(words[column[k]]) : "the line's end") +
                    ", expected a number");
      }
      values[k] = *value;
    }
    const std::string bad = AddPoint(values, layout.index[3] >= 0, &cloud);
    if (!bad.empty()) lines->Fail(bad);
  }
  return cloud;
}

// `by_field`: all x, then all y, …, as in compressed data.
Cloud BinaryPoints(const PcdHeader& header,
                   const PcdLayout& layout,
                   Bytes data,
                   bool by_field,
                   const Lines& lines,
                   std::size_t data_offset) {
  Cloud cloud;
  const std::size_t stride = header.PointBytes();
  const auto points = static_cast<std::size_t>(header.points);
  cloud.xyz.reserve(3 * points);
  for (std::size_t p = 0; p < points; ++p) {
    std::array<double, 4> values{};
    for (std::size_t k = 0; k < 4; ++k) {
      if (layout.index[k] < 0) continue;
      const PcdField& field = header.fields[static_cast<std::size_t>(layout.index[k])];
      const std::size_t at =
          by_field ? layout.at[k] * points + p * field.size : p * stride + layout.at[k];
      values[k] = ReadScalar(data.data() + at, field.scalar, /*big_endian=*/false);
    }
    const std::string bad = AddPoint(values, layout.index[3] >= 0, &cloud);
    if (!bad.empty()) lines.FailAt(data_offset + (by_field ? 0 : p * stride), bad);
  }
  return cloud;
}

}  // namespace

Cloud ParsePcd(Bytes file, const std::string& name) {
  Lines lines(file, name);
  const PcdHeader header = ReadPcdHeader(&lines);
  const PcdLayout layout(header, lines);
  if (header.data == "ascii") return AsciiPoints(header, layout, &lines);
  const std::size_t start = lines.offset();
  Bytes data = file.subspan(start);
  const std::size_t stride = header.PointBytes();
  const auto points = static_cast<std::size_t>(header.points);
  if (stride > (std::size_t{1} << 20))
    lines.Fail("a point of " + std::to_string(stride) + " bytes");
  const std::size_t wanted = stride * points;
  if (header.data == "binary") {
    if (data.size() < wanted) {
      lines.FailAt(file.size(),
                   "the file ends after " + std::to_string(data.size()) + " of " +
                       std::to_string(wanted) + " bytes of points; is it cut?");
    }
    return BinaryPoints(header, layout, data, false, lines, start);
  }
  if (data.size() < 8) lines.FailAt(start, "the file ends before the sizes of the compressed data");
  const auto packed = static_cast<std::size_t>(ReadScalar(data.data(), Scalar::kUint32, false));
  const auto size = static_cast<std::size_t>(ReadScalar(data.data() + 4, Scalar::kUint32, false));
  if (packed > data.size() - 8 || size != wanted) {
    lines.FailAt(start,
                 std::to_string(packed) + " bytes that become " + std::to_string(size) +
                     ", expected at most " + std::to_string(data.size() - 8) + " that become " +
                     std::to_string(wanted));
  }
  const auto unpacked = UnpackLzf(data.subspan(8, packed), size, name);
  return BinaryPoints(header, layout, unpacked, true, lines, start);
}

}  // namespace cross4d::point_folder
