// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cross4d::base {

/// Where in a text file; line and column count from 1, 0 = unknown.
struct SourceLocation {
  std::string file;
  int line = 0;
  int column = 0;
};

enum class Severity { kError, kWarning };

struct Diagnostic {
  Severity severity = Severity::kError;
  SourceLocation where;
  std::string message;      ///< found, expected, what to do
  std::string source_line;  ///< the line's text; empty = not shown
};

/// Failures that are collected, not thrown: all errors at once, sorted by file and line.
class Diagnostics {
 public:
  void AddError(SourceLocation where, std::string message, std::string source_line = {});
  void AddWarning(SourceLocation where, std::string message, std::string source_line = {});
  bool HasErrors() const;
  bool empty() const { return items_.empty(); }
  /// Sorted by file, line, column; equal ones once.
  std::vector<Diagnostic> Sorted() const;
  /// "file:line:col: error: message", the line and a caret below it.
  std::string Render() const;

 private:
  std::vector<Diagnostic> items_;
};

/// The entry of `known` nearest to `word` by edit distance, or "" when none is near enough.
std::string Nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace cross4d::base
