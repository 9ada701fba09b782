// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report/table.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

/// Private to core/report: the parts of a Table that are made one after the other.
namespace cross4d::report {

/// "a / b": how the values of several paths are named together.
std::string Joined(const std::vector<std::string>& parts);
/// Seed -> mean of the samples with that seed.
std::map<std::int64_t, double> BySeed(const Cell& cell);
/// Values of the seeds that both cells have, in the order of seeds.
std::pair<std::vector<double>, std::vector<double>> CommonSeeds(const Cell& a, const Cell& b);

/// Sets mean and std of a cell from its samples.
void Summarise(Cell& cell);
/// Sets `best`, and the p-values if the table asks for a test.
void Compare(Table& table);
/// "random < global < dense: holds"; empty if the table states no order.
std::string OrderLine(const Table& table);

}  // namespace cross4d::report
