// SPDX-License-Identifier: Apache-2.0
#include "core/cli/text_table.h"

#include "core/report/table.h"

#include <algorithm>

namespace cross4d::cli {
namespace {

void AppendRow(const std::vector<std::string>& row,
               const std::vector<int>& widths,
               std::string& text) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    text += row[i];
    if (i + 1 < row.size()) text.append(widths[i] - report::DisplayWidth(row[i]) + 2, ' ');
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  text += '\n';
}

}  // namespace

std::string TextTable(const std::vector<std::string>& heading,
                      const std::vector<std::vector<std::string>>& rows) {
  std::vector<int> widths;
  const auto measure = [&widths](const std::vector<std::string>& row) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], report::DisplayWidth(row[i]));
    }
  };
  measure(heading);
  for (const auto& row : rows) measure(row);
  std::string text;
  if (!heading.empty()) AppendRow(heading, widths, text);
  for (const auto& row : rows) AppendRow(row, widths, text);
  return text;
}

}  // namespace cross4d::cli
