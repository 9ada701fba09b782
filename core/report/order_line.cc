// SPDX-License-Identifier: Apache-2.0
#include "core/report/build.h"

#include <algorithm>
#include <set>

namespace cross4d::report {
namespace {

/// Where the ordered values stand: one path of one axis.
struct Place {
  bool columns = false;
  std::size_t part = 0;
};

std::optional<Place> FindPlace(const Table& table) {
  const TableDefinition& d = table.definition;
  std::optional<Place> best;
  std::size_t most = 0;
  for (const bool columns : {true, false}) {
    const std::size_t parts = columns ? d.columns.size() : d.rows.size();
    for (std::size_t part = 0; part < parts; ++part) {
      std::set<std::string> seen;
      for (const Heading& heading : columns ? table.columns : table.rows) {
        if (part < heading.parts.size()) seen.insert(heading.parts[part]);
      }
      const auto found = static_cast<std::size_t>(std::count_if(
          d.order.begin(), d.order.end(), [&](const std::string& v) { return seen.contains(v); }));
      if (found > most) {
        most = found;
        best = Place{columns, part};
      }
    }
  }
  return best;
}

/// Everything that names a cell apart from the ordered part, and value -> mean within it.
using Series = std::map<std::string, std::map<std::string, double>>;

Series CollectSeries(const Table& table, const Place& place) {
  Series series;
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    if (table.rows[r].difference) continue;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      const Cell& cell = table.cells[r][c];
      if (table.columns[c].value != table.definition.order_value || cell.planned == 0) continue;
      std::vector<std::string> rest = place.columns ? table.columns[c].parts : table.rows[r].parts;
      if (place.part >= rest.size()) continue;
      const std::string value = rest[place.part];
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(place.part));
      const std::string other =
          Joined(place.columns ? table.rows[r].parts : table.columns[c].parts);
      auto& means = series[Joined(rest) + '\x1f' + other];
      if (cell.mean) means[value] = *cell.mean;
    }
  }
  return series;
}

bool Increasing(const std::map<std::string, double>& means, const std::vector<std::string>& order) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto here = means.find(order[i]);
    if (here == means.end()) return false;
    if (i > 0 && !(means.at(order[i - 1]) < here->second)) return false;
  }
  return true;
}

}  // namespace

std::string OrderLine(const Table& table) {
  const std::vector<std::string>& order = table.definition.order;
  if (order.empty()) return {};
  std::string line;
  for (const std::string& value : order) {
    line += (line.empty() ? "" : " < ") + table.definition.Label(value);
  }
  const std::optional<Place> place = FindPlace(table);
  const Series series = place ? CollectSeries(table, *place) : Series{};
  const bool holds =
      !series.empty() && std::all_of(series.begin(), series.end(), [&](const auto& entry) {
        return Increasing(entry.second, order);
      });
  return line + (holds ? ": holds" : ": does not hold");
}

}  // namespace cross4d::report
