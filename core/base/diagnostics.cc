// SPDX-License-Identifier: Apache-2.0
#include "core/base/diagnostics.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace cross4d::base {
namespace {

auto Order(const Diagnostic& d) {
  return std::tie(d.where.file, d.where.line, d.where.column, d.severity, d.message);
}

/// Columns count bytes; a tab before the caret is kept so that both lines align.
std::string CaretLine(const std::string& line, int column) {
  std::string pad;
  for (int i = 0; i + 1 < column && i < static_cast<int>(line.size()); ++i) {
    const unsigned char c = static_cast<unsigned char>(line[static_cast<std::size_t>(i)]);
    if (c == '\t')
      pad += '\t';
    else if ((c & 0xC0) != 0x80)
      pad += ' ';  // one blank per UTF-8 character
  }
  return pad + "^";
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0u);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

void Diagnostics::AddError(SourceLocation where, std::string message, std::string source_line) {
  items_.push_back(
      {Severity::kError, std::move(where), std::move(message), std::move(source_line)});
}

void Diagnostics::AddWarning(SourceLocation where, std::string message, std::string source_line) {
  items_.push_back(
      {Severity::kWarning, std::move(where), std::move(message), std::move(source_line)});
}

bool Diagnostics::HasErrors() const {
  return std::any_of(items_.begin(), items_.end(), [](const Diagnostic& d) {
    return d.severity == Severity::kError;
  });
}

std::vector<Diagnostic> Diagnostics::Sorted() const {
  std::vector<Diagnostic> sorted = items_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return Order(a) < Order(b);
  });
  const auto same = [](const auto& a, const auto& b) { return Order(a) == Order(b); };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), same), sorted.end());
  return sorted;
}

std::string Diagnostics::Render() const {
  std::string out;
  for (const Diagnostic& d : Sorted()) {
    if (!d.where.file.empty()) out += d.where.file + ":";
    if (d.where.line > 0) out += std::to_string(d.where.line) + ":";
    if (d.where.line > 0 && d.where.column > 0) out += std::to_string(d.where.column) + ":";
    if (!out.empty() && out.back() == ':') out += ' ';
    out += (d.severity == Severity::kError ? "error: " : "warning: ") + d.message + "\n";
    if (d.source_line.empty()) continue;
    out += "  " + d.source_line + "\n";
    if (d.where.column > 0) out += "  " + CaretLine(d.source_line, d.where.column) + "\n";
  }
  return out;
}

std::string Nearest(std::string_view word, const std::vector<std::string>& known) {
  // A third of the letters may differ, and at least two: "epohcs" -> "epochs", not "seed" -> "fov".
  const std::size_t limit = std::max<std::size_t>(2, word.size() / 3);
  std::size_t best = limit + 1;
  std::string nearest;
  for (const std::string& candidate : known) {
    const std::size_t distance = EditDistance(word, candidate);
    if (distance < best && distance < std::max(word.size(), candidate.size())) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace cross4d::base
