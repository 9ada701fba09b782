// SPDX-License-Identifier: Apache-2.0
#include "scalars.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace cross4d::point_folder {
namespace {

template <class T>
double ReadAs(const unsigned char* bytes, bool big_endian) {
  unsigned char raw[sizeof(T)];
  std::memcpy(raw, bytes, sizeof raw);
  if (big_endian) std::reverse(raw, raw + sizeof raw);
  T value;
  std::memcpy(&value, raw, sizeof value);
  return static_cast<double>(value);
}

template <class T>
std::optional<T> ParseAll(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

}  // namespace

std::size_t SizeOf(Scalar type) {
  switch (type) {
    case Scalar::kInt8:
    case Scalar::kUint8:
      return 1;
    case Scalar::kInt16:
    case Scalar::kUint16:
      return 2;
    case Scalar::kInt32:
    case Scalar::kUint32:
    case Scalar::kFloat:
      return 4;
    case Scalar::kInt64:
    case Scalar::kUint64:
    case Scalar::kDouble:
      return 8;
  }
  throw Error(ErrorCode::kInternal, "unknown scalar type");
}

double ReadScalar(const unsigned char* bytes, Scalar type, bool big_endian) {
  switch (type) {
    case Scalar::kInt8:
      return ReadAs<std::int8_t>(bytes, big_endian);
    case Scalar::kUint8:
      return ReadAs<std::uint8_t>(bytes, big_endian);
    case Scalar::kInt16:
      return ReadAs<std::int16_t>(bytes, big_endian);
    case Scalar::kUint16:
      return ReadAs<std::uint16_t>(bytes, big_endian);
    case Scalar::kInt32:
      return ReadAs<std::int32_t>(bytes, big_endian);
    case Scalar::kUint32:
      return ReadAs<std::uint32_t>(bytes, big_endian);
    case Scalar::kInt64:
      return ReadAs<std::int64_t>(bytes, big_endian);
    case Scalar::kUint64:
      return ReadAs<std::uint64_t>(bytes, big_endian);
    case Scalar::kFloat:
      return ReadAs<float>(bytes, big_endian);
    case Scalar::kDouble:
      return ReadAs<double>(bytes, big_endian);
  }
  throw Error(ErrorCode::kInternal, "unknown scalar type");
}

std::optional<double> ParseNumber(std::string_view text) { return ParseAll<double>(text); }
std::optional<std::int64_t> ParseWhole(std::string_view text) {
  return ParseAll<std::int64_t>(text);
}

bool Lines::Next(std::string_view* line) {
  if (offset_ >= file_.size()) return false;
  const std::string_view rest(reinterpret_cast<const char*>(file_.data()) + offset_,
                              file_.size() - offset_);
  const std::size_t end = rest.find('\n');
  *line = rest.substr(0, end);
  offset_ += end == rest.npos ? rest.size() : end + 1;
  ++line_;
  if (line->ends_with('\r')) line->remove_suffix(1);
  return true;
}

std::vector<std::string_view> Lines::NextWords(std::string_view separators, bool comments) {
  for (std::string_view line; Next(&line);) {
    auto words = SplitWords(line, separators);
    if (words.empty()) continue;
    if (comments && (words[0].starts_with('#') || words[0].starts_with("//"))) continue;
    return words;
  }
  return {};
}

void Lines::Fail(const std::string& what) const {
  FailInput(name_ + ":" + std::to_string(line_) + ": " + what);
}

void Lines::FailAt(std::size_t offset, const std::string& what) const {
  FailInput(name_ + ": offset " + std::to_string(offset) + ": " + what);
}

std::vector<std::string_view> SplitWords(std::string_view line, std::string_view separators) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; (at = line.find_first_not_of(separators, at)) != line.npos;) {
    const std::size_t end = std::min(line.find_first_of(separators, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

std::string Quote(std::string_view text) {
  std::string quoted = "'" + std::string(text.substr(0, 40)) + (text.size() > 40 ? "…'" : "'");
  const std::size_t cut = std::min<std::size_t>(text.size(), 40);
  for (std::size_t i = 1; i <= cut; ++i) {
    const auto c = static_cast<unsigned char>(quoted[i]);
    if (c < 32 || c > 126) quoted[i] = '?';
  }
  return quoted;
}

std::string NotFinite(std::int64_t point, const float* xyz) {
  for (int k = 0; k < 3; ++k) {
    if (std::isfinite(xyz[k])) continue;
    return "point " + std::to_string(point) + ": " + "xyz"[k] + " is " +
           (std::isnan(xyz[k]) ? "nan" : "infinite") +
           ", expected a finite number; leave such points out of the file";
  }
  return {};
}

}  // namespace cross4d::point_folder
