// SPDX-License-Identifier: Apache-2.0
#include "text_frame.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace cross4d::hoi4d {
namespace {

constexpr std::int64_t kMostColumns = 5;

std::string_view WithoutBlanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

// The columns of one line; -1 = something is no number, kMostColumns + 1 = there are too many.
std::int64_t ParseColumns(std::string_view line, double* values) {
  std::int64_t columns = 0;
  for (; !line.empty(); line = WithoutBlanks(line)) {
    if (columns == kMostColumns) return kMostColumns + 1;
    const auto parsed = std::from_chars(line.data(), line.data() + line.size(), values[columns]);
    const bool ends =
        parsed.ptr == line.data() + line.size() || *parsed.ptr == ' ' || *parsed.ptr == '\t';
    if (parsed.ec != std::errc() || !ends || !std::isfinite(values[columns])) return -1;
    ++columns;
    line.remove_prefix(static_cast<std::size_t>(parsed.ptr - line.data()));
  }
  return columns;
}

}  // namespace

void ParseTextFrame(std::string_view text,
                    const std::string& file,
                    std::vector<float>* xyz,
                    std::vector<std::int64_t>* labels) {
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = WithoutBlanks(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    double values[kMostColumns] = {};
    const std::int64_t columns = ParseColumns(line, values);
    const bool whole = std::abs(values[3]) < 1e6 && values[3] == std::floor(values[3]);
    if (columns < 4 || columns > kMostColumns || !whole) {
      FailInput(file + ": line " + std::to_string(number) + ": '" +
                std::string(line.substr(0, 120)) +
                "', expected 'x y z semantic instance': finite numbers, the label a whole one");
    }
    for (int k = 0; k < 3; ++k) xyz->push_back(static_cast<float>(values[k]));
    labels->push_back(static_cast<std::int64_t>(values[3]));
  }
}

}  // namespace cross4d::hoi4d
