// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <utility>

#include "cloud.h"
#include "scalars.h"

namespace cross4d::point_folder {
namespace {

constexpr std::string_view kBlank = " \t\r";

struct Property {
  std::string name;
  Scalar type = Scalar::kFloat;
  bool list = false;
  Scalar count_type = Scalar::kUint8;
};

struct Element {
  std::string name;
  std::int64_t count = 0;
  std::vector<Property> properties;
};

enum class Form { kAscii, kLittle, kBig };

struct PlyHeader {
  Form form = Form::kAscii;
  std::vector<Element> elements;
};

Scalar PlyType(std::string_view name, const Lines& lines) {
  constexpr std::array<std::pair<std::string_view, Scalar>, 16> kTypes{
      {{"char", Scalar::kInt8},
       {"int8", Scalar::kInt8},
       {"uchar", Scalar::kUint8},
       {"uint8", Scalar::kUint8},
       {"short", Scalar::kInt16},
       {"int16", Scalar::kInt16},
       {"ushort", Scalar::kUint16},
       {"uint16", Scalar::kUint16},
       {"int", Scalar::kInt32},
       {"int32", Scalar::kInt32},
       {"uint", Scalar::kUint32},
       {"uint32", Scalar::kUint32},
       {"float", Scalar::kFloat},
       {"float32", Scalar::kFloat},
       {"double", Scalar::kDouble},
       {"float64", Scalar::kDouble}}};
  for (const auto& [known, type] : kTypes) {
    if (name == known) return type;
  }
  lines.Fail("property of type " + Quote(name) + ", expected char, short, int, float, double, …");
}

Form PlyForm(const std::vector<std::string_view>& words, const Lines& lines) {
  if (words.size() == 3 && words[2] == "1.0") {
    if (words[1] == "ascii") return Form::kAscii;
    if (words[1] == "binary_little_endian") return Form::kLittle;
    if (words[1] == "binary_big_endian") return Form::kBig;
  }
  lines.Fail("format " + Quote(words.size() > 1 ? words[1] : "") +
             ", expected ascii, binary_little_endian or binary_big_endian, and 1.0");
}

Element PlyElement(const std::vector<std::string_view>& words, const Lines& lines) {
  const auto count = words.size() == 3 ? ParseWhole(words[2]) : std::nullopt;
  if (!count || *count < 0) lines.Fail("expected `element NAME COUNT`");
  return {std::string(words[1]), *count, {}};
}

Property PlyProperty(const std::vector<std::string_view>& words, const Lines& lines) {
  Property p;
  if (words.size() == 3) {
    p.type = PlyType(words[1], lines);
    p.name = words[2];
  } else if (words.size() == 5 && words[1] == "list") {
    p.list = true;
    p.count_type = PlyType(words[2], lines);
    p.type = PlyType(words[3], lines);
    p.name = words[4];
  } else {
    lines.Fail("expected `property TYPE NAME` or `property list TYPE TYPE NAME`");
  }
  return p;
}

PlyHeader ReadPlyHeader(Lines* lines) {
  std::string_view first;
  if (!lines->Next(&first) || first != "ply") {
    lines->FailAt(0, "found " + Quote(first) + ", expected `ply`: not a PLY file");
  }
  PlyHeader header;
  bool format = false;
  for (std::string_view line; lines->Next(&line);) {
    const auto words = SplitWords(line, kBlank);
    if (words.empty() || words[0] == "comment" || words[0] == "obj_info") continue;
    if (words[0] == "end_header") {
      if (!format) lines->Fail("the header ends without a line `format`");
      return header;
    }
    if (words[0] == "format") {
      header.form = PlyForm(words, *lines);
      format = true;
    } else if (words[0] == "element") {
      header.elements.push_back(PlyElement(words, *lines));
    } else if (words[0] == "property" && !header.elements.empty()) {
      header.elements.back().properties.push_back(PlyProperty(words, *lines));
    } else {
      lines->Fail("found " + Quote(words[0]) +
                  ", expected comment, format, element, property or end_header");
    }
  }
  lines->FailAt(lines->offset(), "the file ends within its header; expected end_header");
}

/// Takes the values of a vertex's properties, in order, and keeps x, y, z and label.
class Vertices {
 public:
  Vertices(const Element& element, const Lines& lines) {
    for (std::size_t i = 0; i < element.properties.size(); ++i) {
      const Property& p = element.properties[i];
      for (std::size_t k = 0; k < 3; ++k) {
        if (!p.list && p.name == std::string(1, "xyz"[k])) xyz_[k] = static_cast<int>(i);
      }
      if (!p.list && p.name == "label") label_ = static_cast<int>(i);
    }
    for (std::size_t k = 0; k < 3; ++k) {
      if (xyz_[k] < 0) {
        lines.FailAt(0, std::string("the element vertex has no property ") + "xyz"[k]);
      }
    }
  }

  void Set(std::size_t property, double value) {
    for (std::size_t k = 0; k < 3; ++k) {
      if (xyz_[k] == static_cast<int>(property)) point_[k] = static_cast<float>(value);
    }
    if (label_ == static_cast<int>(property)) value_ = value;
  }
  /// Empty, or what is wrong with the vertex.
  std::string Take(Cloud* cloud) const {
    if (std::string bad = NotFinite(cloud->size(), point_.data()); !bad.empty()) return bad;
    cloud->xyz.insert(cloud->xyz.end(), point_.begin(), point_.end());
    if (label_ < 0) return {};
    if (!(std::abs(value_) <= 1e9) || value_ != std::floor(value_)) {
      return "point " + std::to_string(cloud->size() - 1) + ": label is no whole number";
    }
    cloud->labels.push_back(static_cast<std::int64_t>(value_));
    return {};
  }

 private:
  std::array<int, 3> xyz_{-1, -1, -1};
  int label_ = -1;
  std::array<float, 3> point_{};
  double value_ = 0;
};

/// The rows of the elements in a binary file.
class BinaryRows {
 public:
  BinaryRows(Bytes file, const Lines& lines, bool big)
      : file_(file), lines_(lines), big_(big), at_(lines.offset()) {}

  std::size_t offset() const { return at_; }
  void Skip(const Element& element) {
    if (element.properties.empty()) return;
    for (std::int64_t i = 0; i < element.count; ++i) Row(element, i, nullptr);
  }
  void Row(const Element& element, std::int64_t row, Vertices* vertices) {
    for (std::size_t i = 0; i < element.properties.size(); ++i) {
      const Property& p = element.properties[i];
      if (p.list) {
        const double count =
            ReadScalar(Need(SizeOf(p.count_type), element, row), p.count_type, big_);
        if (!(count >= 0) || count > static_cast<double>(file_.size())) {
          lines_.FailAt(
              at_, "a list of " + std::to_string(count) + " entries in element " + element.name);
        }
        Need(static_cast<std::size_t>(count) * SizeOf(p.type), element, row);
      } else {
        const double value = ReadScalar(Need(SizeOf(p.type), element, row), p.type, big_);
        if (vertices != nullptr) vertices->Set(i, value);
      }
    }
  }

 private:
  const unsigned char* Need(std::size_t size, const Element& element, std::int64_t row) {
    if (size > file_.size() - at_) {
      lines_.FailAt(at_,
                    "the file ends after " + std::to_string(row) + " of " +
                        std::to_string(element.count) + " " + Quote(element.name) +
                        " rows; is it cut?");
    }
    at_ += size;
    return file_.data() + at_ - size;
  }

  Bytes file_;
  const Lines& lines_;
  bool big_;
  std::size_t at_;
};

// A row is a line.
void AsciiRow(Lines* lines, const Element& element, std::int64_t row, Vertices* vertices) {
  const auto words = lines->NextWords(kBlank, /*comments=*/false);
  if (words.empty()) {
    lines->Fail("the file ends after " + std::to_string(row) + " of " +
                std::to_string(element.count) + " " + Quote(element.name) + " rows; is it cut?");
  }
  if (vertices == nullptr) return;
  std::size_t at = 0;
  for (std::size_t i = 0; i < element.properties.size(); ++i) {
    const Property& p = element.properties[i];
    const auto value = at < words.size() ? ParseNumber(words[at]) : std::nullopt;
    if (!value) {
      lines->Fail("found " + (at < words.size() ? Quote(words[at]) : "the line's end") +
                  ", expected the number " + Quote(p.name));
    }
    ++at;
    if (!p.list) {
      vertices->Set(i, *value);
      continue;
    }
    if (!(*value >= 0) || *value > static_cast<double>(words.size() - at)) {
      lines->Fail("a list of " + Quote(words[at - 1]) + " entries, longer than the line");
    }
    at += static_cast<std::size_t>(*value);
  }
}

const Element& FindVertex(const PlyHeader& header, const Lines& lines) {
  for (const Element& element : header.elements) {
    if (element.name == "vertex") return element;
  }
  lines.FailAt(0, "the header has no element vertex");
}

}  // namespace

Cloud ParsePly(Bytes file, const std::string& name) {
  Lines lines(file, name);
  const PlyHeader header = ReadPlyHeader(&lines);
  const Element& vertex = FindVertex(header, lines);
  Vertices vertices(vertex, lines);
  Cloud cloud;
  if (header.form == Form::kAscii) {
    for (const Element& element : header.elements) {
      if (&element == &vertex) break;
      if (element.properties.empty()) continue;
      for (std::int64_t i = 0; i < element.count; ++i) AsciiRow(&lines, element, i, nullptr);
    }
    for (std::int64_t i = 0; i < vertex.count; ++i) {
      AsciiRow(&lines, vertex, i, &vertices);
      if (const std::string bad = vertices.Take(&cloud); !bad.empty()) lines.Fail(bad);
    }
    return cloud;
  }
  BinaryRows rows(file, lines, header.form == Form::kBig);
  for (const Element& element : header.elements) {
    if (&element == &vertex) break;
    rows.Skip(element);
  }
  for (std::int64_t i = 0; i < vertex.count; ++i) {
    const std::size_t start = rows.offset();
    rows.Row(vertex, i, &vertices);
    if (const std::string bad = vertices.Take(&cloud); !bad.empty()) lines.FailAt(start, bad);
  }
  return cloud;
}

}  // namespace cross4d::point_folder
