// SPDX-License-Identifier: Apache-2.0
#include "core/report/build.h"
#include "core/report/statistics.h"

namespace cross4d::report {
namespace {

/// Cells that compete: one row or one column, and one value.
using Group = std::vector<std::pair<std::size_t, std::size_t>>;

std::vector<Group> Groups(const Table& table) {
  std::map<std::pair<std::string, std::size_t>, Group> groups;
  const bool along_row = table.definition.best == "row";
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    if (table.rows[r].difference) continue;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      groups[{table.columns[c].value, along_row ? r : c}].emplace_back(r, c);
    }
  }
  std::vector<Group> list;
  for (auto& [key, group] : groups) list.push_back(std::move(group));
  return list;
}

void MarkBest(Table& table, const Group& group) {
  const double sign = table.definition.LowerIsBetter(table.columns[group[0].second].value) ? -1 : 1;
  std::optional<double> best;
  int competitors = 0;
  for (const auto& [r, c] : group) {
    const Cell& cell = table.cells[r][c];
    if (!cell.mean) continue;
    ++competitors;
    if (!best || sign * *cell.mean > *best) best = sign * *cell.mean;
  }
  if (competitors < 2) return;
  for (const auto& [r, c] : group) {
    Cell& cell = table.cells[r][c];
    cell.best = cell.mean && sign * *cell.mean == *best;
  }
}

/// The cell that all others of the group are tested against; nullptr if there is none.
const Cell* Baseline(const Table& table, const Group& group) {
  const std::string& name = table.definition.test_against;
  for (const auto& [r, c] : group) {
    const Cell& cell = table.cells[r][c];
    const Heading& heading = table.definition.best == "row" ? table.columns[c] : table.rows[r];
    if (name.empty() ? cell.best : Joined(heading.parts) == name) return &cell;
  }
  return nullptr;
}

void Test(Table& table) {
  std::vector<Cell*> cells;
  std::vector<double> p_values;
  const auto add = [&](Cell& cell, const std::optional<double>& p) {
    if (!p) return;
    cells.push_back(&cell);
    p_values.push_back(*p);
  };
  for (const Group& group : Groups(table)) {
    const Cell* baseline = Baseline(table, group);
    if (!baseline) continue;
    for (const auto& [r, c] : group) {
      Cell& cell = table.cells[r][c];
      if (&cell == baseline) continue;
      const auto [a, b] = CommonSeeds(*baseline, cell);
      add(cell, PairedTTest(a, b));
    }
  }
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    if (!table.rows[r].difference) continue;
    for (Cell& cell : table.cells[r]) {
      std::vector<double> differences;
      for (const Sample& sample : cell.samples) differences.push_back(sample.value);
      add(cell, PairedTTest(differences, std::vector<double>(differences.size(), 0.0)));
    }
  }
  const std::vector<double> corrected = HolmCorrect(p_values);
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i]->p_value = corrected[i];
}

}  // namespace

std::map<std::int64_t, double> BySeed(const Cell& cell) {
  std::map<std::int64_t, std::vector<double>> values;
  for (const Sample& sample : cell.samples) values[sample.seed].push_back(sample.value);
  std::map<std::int64_t, double> means;
  for (const auto& [seed, list] : values) means[seed] = *MomentsOf(list).mean;
  return means;
}

std::pair<std::vector<double>, std::vector<double>> CommonSeeds(const Cell& a, const Cell& b) {
  std::pair<std::vector<double>, std::vector<double>> pairs;
  const std::map<std::int64_t, double> theirs = BySeed(b);
  for (const auto& [seed, value] : BySeed(a)) {
    const auto found = theirs.find(seed);
    if (found == theirs.end()) continue;
    pairs.first.push_back(value);
    pairs.second.push_back(found->second);
  }
  return pairs;
}

void Summarise(Cell& cell) {
  std::vector<double> values;
  for (const Sample& sample : cell.samples) values.push_back(sample.value);
  const Moments moments = MomentsOf(values);
  cell.mean = moments.mean;
  cell.std = moments.std;
}

void Compare(Table& table) {
  if (table.definition.best != "none") {
    for (const Group& group : Groups(table)) MarkBest(table, group);
  }
  if (!table.definition.test.empty()) Test(table);
}

}  // namespace cross4d::report
