// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud.h"

namespace cross4d::point_folder {

/// Number types of PLY and PCD files.
enum class Scalar {
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat,
  kDouble
};
std::size_t SizeOf(Scalar type);
/// The number that stands in SizeOf(type) bytes.
double ReadScalar(const unsigned char* bytes, Scalar type, bool big_endian);

/// A number as text; a leading + is taken too.
std::optional<double> ParseNumber(std::string_view text);
std::optional<std::int64_t> ParseWhole(std::string_view text);

/// Lines of a text, or of the text at the start of a file.
class Lines {
 public:
  Lines(Bytes file, std::string name) : file_(file), name_(std::move(name)) {}

  /// False at the end. Without the line's end (\n or \r\n).
  bool Next(std::string_view* line);
  /// The words of the next line that has any and is no comment; empty at the end.
  std::vector<std::string_view> NextWords(std::string_view separators, bool comments);
  std::size_t offset() const { return offset_; }  ///< of the next line
  std::int64_t line() const { return line_; }     ///< number of the last line, from 1
  /// Error about the last line.
  [[noreturn]] void Fail(const std::string& what) const;
  [[noreturn]] void FailAt(std::size_t offset, const std::string& what) const;
  const std::string& name() const { return name_; }

 private:
  Bytes file_;
  std::string name_;
  std::size_t offset_ = 0;
  std::int64_t line_ = 0;
};

std::vector<std::string_view> SplitWords(std::string_view line, std::string_view separators);
/// For messages: quoted, cut short, what cannot be printed as '?'.
std::string Quote(std::string_view text);
/// "point 7: x is nan, expected a finite number"; empty = all three are finite as float32.
std::string NotFinite(std::int64_t point, const float* xyz);

}  // namespace cross4d::point_folder
