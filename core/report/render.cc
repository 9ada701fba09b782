// SPDX-License-Identifier: Apache-2.0
#include "core/report/render.h"

#include "core/base/diagnostics.h"
#include "core/base/file.h"
#include "core/report/build.h"

#include <cross4d/sdk/error.h>

#include <charconv>
#include <cmath>
#include <cstdio>

namespace cross4d::report {
namespace {

std::string Count(const Cell& cell) {
  if (cell.n() < cell.planned) return std::to_string(cell.n()) + "/" + std::to_string(cell.planned);
  return "n=" + std::to_string(cell.n());
}

std::string TraceLine(const Table& table, std::size_t r, std::size_t c) {
  const Cell& cell = table.cells[r][c];
  const std::string& row = table.rows[r].text;
  std::string line = "trace " + (row.empty() ? "" : row + " | ") + table.columns[c].text + ":";
  for (const std::string& run : cell.runs) line += " " + run;
  return line;
}

/// What a cell's numbers are divided by, so that 41993216 is shown as 41.993 M.
struct Scale {
  double divisor = 1;
  const char* suffix = "";
};

Scale ScaleOf(double value) {
  const double size = std::abs(value);
  if (size >= 1e12) return {1e12, " T"};
  if (size >= 1e9) return {1e9, " G"};
  if (size >= 1e6) return {1e6, " M"};
  return {};
}

/// One line of a text; `number` counts from 0; nullopt behind the end.
std::optional<std::string_view> Line(std::string_view text, std::size_t number) {
  for (; number > 0; --number) {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  if (text.empty()) return std::nullopt;
  return text.substr(0, text.find('\n'));
}

}  // namespace

Format ParseFormat(std::string_view name) {
  if (name == "text") return Format::kText;
  if (name == "markdown") return Format::kMarkdown;
  if (name == "latex") return Format::kLatex;
  if (name == "csv") return Format::kCsv;
  if (name == "json") return Format::kJson;
  throw Error(
      ErrorCode::kInput,
      "unknown format '" + std::string(name) + "'; expected text, markdown, latex, csv or json");
}

std::string Fixed(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof(buffer), "%.*f", digits, value);
  std::string text = buffer;
  if (text[0] == '-' && text.find_first_not_of("-0.") == text.npos) text.erase(0, 1);
  return text;
}

std::string Shortest(double value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, end.ptr);
}

std::string CellText(const Cell& cell, int digits) {
  std::string text = "–";
  if (cell.mean) {
    const Scale scale = ScaleOf(*cell.mean);
    text = Fixed(*cell.mean / scale.divisor, digits);
    if (cell.std) text += " ± " + Fixed(*cell.std / scale.divisor, digits);
    text += scale.suffix;
  }
  if (cell.planned > 0) {
    text += " (" + Count(cell);
    if (cell.p_value)
      text += *cell.p_value < 0.001 ? ", p<0.001" : ", p=" + Fixed(*cell.p_value, 3);
    text += ")";
  }
  if (!cell.reference.empty()) text += " [" + cell.reference + "]";
  return text;
}

std::string Corner(const Table& table) { return Joined(table.definition.rows); }

std::vector<std::string> Footer(const Table& table, const RenderOptions& options) {
  std::vector<std::string> lines;
  for (const std::string& warning : table.warnings) lines.push_back("warning: " + warning);
  for (std::size_t r = 0; options.trace && r < table.rows.size(); ++r) {
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      if (!table.cells[r][c].runs.empty()) lines.push_back(TraceLine(table, r, c));
    }
  }
  if (!table.order_line.empty()) lines.push_back(table.order_line);
  return lines;
}

std::string Render(const std::vector<Table>& tables, const RenderOptions& options) {
  if (options.format == Format::kCsv) return RenderCsv(tables, options);
  if (options.format == Format::kJson) return RenderJson(tables, options);
  std::string text;
  for (const Table& table : tables) {
    if (!text.empty()) text += "\n";
    if (options.format == Format::kText) text += RenderText(table, options);
    if (options.format == Format::kMarkdown) text += RenderMarkdown(table, options);
    if (options.format == Format::kLatex) text += RenderLatex(table, options);
  }
  return text;
}

std::string CheckAgainst(std::string_view rendered, const std::string& file) {
  const std::string expected = base::ReadFile(file);
  if (rendered == expected) return {};
  for (std::size_t number = 0;; ++number) {
    const auto ours = Line(rendered, number), theirs = Line(expected, number);
    if (ours && theirs && *ours == *theirs) continue;
    const auto show = [](const auto& line) {
      return line ? "'" + std::string(*line) + "'" : std::string("the end");
    };
    return file + ":" + std::to_string(number + 1) + ": expected " + show(theirs) + ", found " +
           show(ours);
  }
}

}  // namespace cross4d::report
