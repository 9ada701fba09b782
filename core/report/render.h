// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report/table.h"

#include <string>
#include <vector>

/// Private to core/report: one function per format.
namespace cross4d::report {

std::string RenderText(const Table& table, const RenderOptions& options);
std::string RenderMarkdown(const Table& table, const RenderOptions& options);
std::string RenderLatex(const Table& table, const RenderOptions& options);
std::string RenderCsv(const std::vector<Table>& tables, const RenderOptions& options);
std::string RenderJson(const std::vector<Table>& tables, const RenderOptions& options);

/// "0.812 ± 0.021 (n=3)"; an incomplete cell says n/N; p-value and reference follow if there are
/// any.
std::string CellText(const Cell& cell, int digits);
/// With so many digits after the point; never "-0.000".
std::string Fixed(double value, int digits);
/// Shortest text that reads back to the same number.
std::string Shortest(double value);
/// The row paths, as the head of the first column.
std::string Corner(const Table& table);
/// Lines below a table: warnings, traces, and last the order.
std::vector<std::string> Footer(const Table& table, const RenderOptions& options);

}  // namespace cross4d::report
