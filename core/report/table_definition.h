// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cross4d::report {

/// A row that is the difference of two others, seed by seed.
struct DifferenceRow {
  std::string label;       ///< default: "<row> - <minus>"
  std::string row, minus;  ///< values of the row axis
};

// clang-format off
/// One [[table]] of an experiment file. Keys, as TOML and as the JSON object stored with the plan:
///
///   name          text, required
///   title         text: a line above the table
///   caption       text: for Markdown and LaTeX; default: the title
///   rows          option path, or a list of paths (a row per combination); absent = one row
///   columns       option path, or a list of paths; absent = the values are the columns
///   value         "<evaluation or stage kind>.<metric>", for example "probe.accuracy"
///   values        list of such; exactly one of value, values. With `columns`: sub-columns
///   where         table: option path -> value or list of values; only runs that match all count
///   reference     table: row -> column -> published text ("0.42 ± .02"). Without `columns`: row ->
///                 value -> text; with columns and several values: column -> table of value -> text.
///                 A row without runs appears with these only
///   order         list of values of one path of rows or columns, in increasing order
///   order_value   the value whose means are compared; default: the first value
///   labels        table: axis value or value name -> text shown
///   best          "row" (compare along the row), "column" or "none"; default: row if there are
///                 columns, else column
///   lower         list of values where less is better; names that end in loss, seconds or params
///                 always are
///   test          "paired-t": best against every other, over common seeds, Holm-corrected over
///                 the table
///   test_against  axis value that every other is tested against instead of the best
///   differences   list of { row, minus, label }: rows that are the difference of two others
///   digits        digits after the point, 0 to 6; default 3
// clang-format on
struct TableDefinition {
  std::string name, title, caption;
  std::vector<std::string> rows, columns;
  std::vector<std::string> values;
  std::map<std::string, std::vector<std::string>> where;
  /// row -> column -> value -> text; column or value is empty where the table has none.
  std::map<std::string, std::map<std::string, std::map<std::string, std::string>>> reference;
  std::vector<std::string> order;
  std::string order_value;
  std::map<std::string, std::string> labels;
  std::string best;
  std::vector<std::string> lower;
  std::string test, test_against;
  std::vector<DifferenceRow> differences;
  int digits = 3;

  std::string Label(const std::string& value) const;
  bool LowerIsBetter(const std::string& value) const;
};

/// Every key that a table may have: for checks of experiment files and "did you mean".
const std::vector<std::string>& TableKeys();

/// From the JSON array stored with a plan. Throws Error(kInput) that names table and key.
std::vector<TableDefinition> ParseTables(std::string_view json);

}  // namespace cross4d::report
