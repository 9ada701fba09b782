// SPDX-License-Identifier: Apache-2.0
#include "core/report/build.h"
#include "core/report/render.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace cross4d::report {
namespace {

/// The texts of a table: head first, then a line per row; best cells apart.
struct Grid {
  std::vector<std::vector<std::string>> texts;
  std::vector<std::vector<bool>> best;
};

Grid GridOf(const Table& table) {
  Grid grid;
  grid.texts.push_back({Corner(table)});
  for (const Heading& column : table.columns) grid.texts.back().push_back(column.text);
  grid.best.emplace_back(grid.texts.back().size(), false);
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    grid.texts.push_back({table.rows[r].text});
    grid.best.push_back({false});
    for (const Cell& cell : table.cells[r]) {
      grid.texts.back().push_back(CellText(cell, table.definition.digits));
      grid.best.back().push_back(cell.best);
    }
  }
  return grid;
}

std::string TitleOf(const Table& table) {
  return table.definition.title.empty() ? table.definition.name : table.definition.title;
}

std::string CaptionOf(const Table& table) {
  return table.definition.caption.empty() ? TitleOf(table) : table.definition.caption;
}

/// Decodes one character; a broken byte counts as one.
std::uint32_t NextCharacter(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  std::uint32_t code = length == 1 ? first : first & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= text.size() || (byte(i) & 0xC0) != 0x80) {
      text.remove_prefix(1);
      return '?';
    }
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  text.remove_prefix(length);
  return code;
}

int WidthOf(std::uint32_t code) {
  constexpr std::pair<std::uint32_t, std::uint32_t> kNone[] = {
      {0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
  constexpr std::pair<std::uint32_t, std::uint32_t> kWide[] = {{0x1100, 0x115F},
                                                               {0x2E80, 0x303E},
                                                               {0x3041, 0x33FF},
                                                               {0x3400, 0x4DBF},
                                                               {0x4E00, 0x9FFF},
                                                               {0xA000, 0xA4CF},
                                                               {0xAC00, 0xD7A3},
                                                               {0xF900, 0xFAFF},
                                                               {0xFE30, 0xFE6F},
                                                               {0xFF00, 0xFF60},
                                                               {0xFFE0, 0xFFE6},
                                                               {0x1F300, 0x1F64F},
                                                               {0x1F900, 0x1F9FF},
                                                               {0x20000, 0x3FFFD}};
  const auto within = [code](const auto& range) {
    return code >= range.first && code <= range.second;
  };
  if (std::any_of(std::begin(kNone), std::end(kNone), within)) return 0;
  return std::any_of(std::begin(kWide), std::end(kWide), within) ? 2 : 1;
}

std::string Escaped(const std::string& text, const char* characters) {
  std::string escaped;
  for (const char c : text) {
    if (std::string_view(characters).find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

std::string Latex(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '\\':
        result += "\\textbackslash{}";
        break;
      case '~':
        result += "\\textasciitilde{}";
        break;
      case '^':
        result += "\\textasciicircum{}";
        break;
      default:
        if (std::string_view("&%$#_{}").find(c) != std::string_view::npos) result += '\\';
        result += c;
    }
  }
  ReplaceAll(result, "±", "$\\pm$");
  ReplaceAll(result, "–", "--");
  ReplaceAll(result, "<", "$<$");
  ReplaceAll(result, "σ", "$\\sigma$");
  return result;
}

}  // namespace

int DisplayWidth(std::string_view text) {
  int width = 0;
  while (!text.empty()) width += WidthOf(NextCharacter(text));
  return width;
}

std::string RenderText(const Table& table, const RenderOptions& options) {
  Grid grid = GridOf(table);
  std::vector<int> widths(table.columns.size() + 1, 0);
  for (std::size_t r = 0; r < grid.texts.size(); ++r) {
    for (std::size_t c = 0; c < grid.texts[r].size(); ++c) {
      if (grid.best[r][c] && !options.style) grid.texts[r][c] += " *";
      widths[c] = std::max(widths[c], DisplayWidth(grid.texts[r][c]));
    }
  }
  std::string text = TitleOf(table) + "\n";
  for (std::size_t r = 0; r < grid.texts.size(); ++r) {
    std::string line;
    for (std::size_t c = 0; c < grid.texts[r].size(); ++c) {
      const std::string& cell = grid.texts[r][c];
      if (c > 0) line += "  ";
      line += grid.best[r][c] && options.style ? "\x1b[1m" + cell + "\x1b[0m" : cell;
      line.append(static_cast<std::size_t>(widths[c] - DisplayWidth(cell)), ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  for (const std::string& line : Footer(table, options)) text += line + "\n";
  return text;
}

std::string RenderMarkdown(const Table& table, const RenderOptions& options) {
  const Grid grid = GridOf(table);
  std::string text = "**" + Escaped(CaptionOf(table), "*_|") + "**\n\n";
  for (std::size_t r = 0; r < grid.texts.size(); ++r) {
    for (std::size_t c = 0; c < grid.texts[r].size(); ++c) {
      const std::string cell = Escaped(grid.texts[r][c], "|");
      text += grid.best[r][c] ? "| **" + cell + "** " : "| " + cell + " ";
    }
    text += "|\n";
    if (r > 0) continue;
    text += "|";
    for (std::size_t c = 0; c < grid.texts[r].size(); ++c) text += c == 0 ? "---|" : "---:|";
    text += "\n";
  }
  // A paragraph each: Markdown would run the lines together.
  for (const std::string& line : Footer(table, options)) text += "\n" + line + "\n";
  return text;
}

std::string RenderLatex(const Table& table, const RenderOptions& options) {
  const Grid grid = GridOf(table);
  std::string text = "\\begin{table}\n\\centering\n\\caption{" + Latex(CaptionOf(table)) +
                     "}\n\\label{tab:" + table.definition.name + "}\n\\begin{tabular}{l" +
                     std::string(table.columns.size(), 'r') + "}\n\\toprule\n";
  for (std::size_t r = 0; r < grid.texts.size(); ++r) {
    for (std::size_t c = 0; c < grid.texts[r].size(); ++c) {
      const std::string cell = Latex(grid.texts[r][c]);
      if (c > 0) text += " & ";
      text += grid.best[r][c] ? "\\textbf{" + cell + "}" : cell;
    }
    text += " \\\\\n";
    if (r == 0) text += "\\midrule\n";
  }
  text += "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
  for (const std::string& line : Footer(table, options)) text += "% " + line + "\n";
  return text;
}

}  // namespace cross4d::report
