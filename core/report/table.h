// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report/table_definition.h"
#include "core/results/result_store.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::report {

struct Sample {
  std::string run;  ///< key
  std::int64_t seed = 0;
  double value = 0;
};

struct Cell {
  std::vector<Sample> samples;  ///< runs that have the value, in plan order
  int planned = 0;              ///< runs of the plan that belong here: N
  std::optional<double> mean;
  std::optional<double> std;      ///< ddof = 1; absent for n < 2
  std::optional<double> p_value;  ///< Holm-corrected
  std::string reference;          ///< published text; empty = none
  bool best = false;
  std::vector<std::string> runs;  ///< keys of all runs that belong here, with a value or not

  int n() const { return static_cast<int>(samples.size()); }
};

struct Heading {
  std::vector<std::string> parts;  ///< value per axis path; empty: no axis
  std::string value;               ///< columns: name of the value shown
  bool difference = false;         ///< rows: the difference of two others
  std::string text;                ///< as shown, labels applied
};

struct Table {
  std::string experiment;
  TableDefinition definition;
  std::vector<Heading> rows, columns;
  std::vector<std::vector<Cell>> cells;  ///< [row][column]
  std::vector<std::string> warnings;     ///< mixed thread counts, pooled axes
  std::string order_line;  ///< "random < global < dense: holds"; empty if none is stated
};

enum class Format { kText, kMarkdown, kLatex, kCsv, kJson };
/// "text", "markdown", "latex", "csv", "json"; kInput with the list for anything else.
Format ParseFormat(std::string_view name);

struct RenderOptions {
  Format format = Format::kText;
  bool style = false;  ///< kText: bold by escape sequences, else the best cell carries a '*'
  bool trace = false;  ///< below the table: run keys of every cell
};

/// Tables of the latest plan of each experiment. `names`: table names, or "experiment/table"; empty
/// = all. kInput for a name that no latest plan has (with the nearest).
std::vector<Table> BuildTables(results::ResultStore& store,
                               const std::vector<std::string>& names = {});
/// Tables of one experiment's latest plan: what `run` prints at its end.
std::vector<Table> BuildExperimentTables(results::ResultStore& store, std::string_view experiment);
Table BuildTable(results::ResultStore& store,
                 const results::PlanRow& plan,
                 const TableDefinition& definition);

/// Ends with a newline. Several tables: one after the other with an empty line between (JSON: one
/// array; CSV: one head). Text, Markdown and LaTeX end with warnings, traces and, as the last line,
/// the order.
std::string Render(const std::vector<Table>& tables, const RenderOptions& options);

/// `table --check FILE`: empty if `rendered` equals the file's bytes, else the first line that
/// differs, as "FILE:12: expected …, found …".
std::string CheckAgainst(std::string_view rendered, const std::string& file);

/// Columns that a UTF-8 text takes on a terminal.
int DisplayWidth(std::string_view text);

}  // namespace cross4d::report
