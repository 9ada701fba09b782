// SPDX-License-Identifier: Apache-2.0
#include "core/base/diagnostics.h"
#include "core/report/build.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace cross4d::report {
namespace {

using Texts = std::vector<std::string>;
using Column = std::vector<std::optional<std::string>>;
/// What an option that a run does not have is shown as.
constexpr const char* kNoValue = "-";

/// Fills the table from one plan; every list of runs is in the plan's order.
class Builder {
 public:
  Builder(results::ResultStore& store,
          const results::PlanRow& plan,
          const TableDefinition& definition)
      : store_(store), plan_(plan), runs_(store.PlanRuns(plan.id)) {
    table_.experiment = plan.experiment;
    table_.definition = definition;
  }

  Table Build() {
    included_.assign(runs_.size(), true);
    for (const auto& [key, values] : definition().where) Filter(key, values);
    rows_ = AxisOf(definition().rows);
    columns_ = AxisOf(definition().columns);
    AddHeadings();
    table_.cells.assign(table_.rows.size(), std::vector<Cell>(table_.columns.size()));
    for (std::size_t c = 0; c < table_.columns.size(); ++c) FillColumn(c);
    for (auto& row : table_.cells) {
      for (Cell& cell : row) Summarise(cell);
    }
    AddReferences();
    AddDifferences();
    Compare(table_);
    WarnOfThreads();
    WarnOfPools();
    table_.order_line = OrderFrom();
    return std::move(table_);
  }

 private:
  const TableDefinition& definition() const { return table_.definition; }

  void Filter(const std::string& key, const Texts& values) {
    const Column column = store_.PlanOptions(plan_.id, key);
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      const std::string value = column[i].value_or(kNoValue);
      if (std::find(values.begin(), values.end(), value) == values.end()) included_[i] = false;
    }
  }

  /// Per run: its value of every path.
  std::vector<Texts> Parts(const Texts& paths) {
    std::vector<Texts> parts(runs_.size());
    for (const std::string& path : paths) {
      const Column column = store_.PlanOptions(plan_.id, path);
      for (std::size_t i = 0; i < runs_.size(); ++i)
        parts[i].push_back(column[i].value_or(kNoValue));
    }
    return parts;
  }

  std::string TextOf(const Texts& parts) const {
    Texts labelled;
    for (const std::string& part : parts) labelled.push_back(definition().Label(part));
    return Joined(labelled);
  }

  /// Different combinations in the order in which the plan has them; per run, which of them is its
  /// own.
  struct Axis {
    std::vector<Texts> distinct;
    std::vector<std::size_t> of_run;
  };
  Axis AxisOf(const Texts& paths) {
    const std::vector<Texts> parts = Parts(paths);
    Axis axis;
    axis.of_run.resize(runs_.size());
    std::map<Texts, std::size_t> known;
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (!included_[i]) continue;
      const auto [slot, fresh] = known.try_emplace(parts[i], axis.distinct.size());
      if (fresh) axis.distinct.push_back(parts[i]);
      axis.of_run[i] = slot->second;
    }
    return axis;
  }

  void AddHeadings() {
    const Texts& values = definition().values;
    for (const Texts& parts : rows_.distinct) {
      table_.rows.push_back({parts, "", false, TextOf(parts)});
    }
    if (definition().columns.empty()) {
      for (const std::string& value : values) {
        table_.columns.push_back({{}, value, false, definition().Label(value)});
      }
      return;
    }
    for (const Texts& parts : columns_.distinct) {
      for (const std::string& value : values) {
        const std::string suffix = values.size() > 1 ? " " + definition().Label(value) : "";
        table_.columns.push_back({parts, value, false, TextOf(parts) + suffix});
      }
    }
  }

  void FillColumn(std::size_t c) {
    const Heading& heading = table_.columns[c];
    const std::vector<std::optional<double>>& values = Values(heading.value);
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      // The values of one combination stand side by side.
      if (!included_[i] || columns_.of_run[i] != c / definition().values.size()) continue;
      Cell& cell = table_.cells[rows_.of_run[i]][c];
      ++cell.planned;
      cell.runs.push_back(runs_[i].key);
      members_[&cell].push_back(i);
      if (values[i]) cell.samples.push_back({runs_[i].key, runs_[i].seed, *values[i]});
    }
  }

  const std::vector<std::optional<double>>& Values(const std::string& name) {
    const auto [slot, fresh] = values_.try_emplace(name);
    if (fresh) {
      const std::size_t dot = name.find('.');
      slot->second = store_.PlanValues(plan_.id, name.substr(0, dot), name.substr(dot + 1));
    }
    return slot->second;
  }

  void AddReferences() {
    std::set<std::string> rows;
    for (std::size_t r = 0; r < table_.rows.size(); ++r) {
      const std::string name = Joined(table_.rows[r].parts);
      rows.insert(name);
      SetReferences(name, table_.cells[r]);
    }
    for (const auto& [name, cells] : definition().reference) {
      if (rows.contains(name)) continue;
      table_.rows.push_back({{name}, "", false, definition().Label(name)});
      table_.cells.emplace_back(table_.columns.size());
      SetReferences(name, table_.cells.back());
    }
  }

  void SetReferences(const std::string& row, std::vector<Cell>& cells) const {
    const auto of_row = definition().reference.find(row);
    if (of_row == definition().reference.end()) return;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const auto of_column = of_row->second.find(Joined(table_.columns[c].parts));
      if (of_column == of_row->second.end()) continue;
      const auto text = of_column->second.find(table_.columns[c].value);
      if (text != of_column->second.end()) cells[c].reference = text->second;
    }
  }

  const std::vector<Cell>* FindRow(const std::string& name) const {
    for (std::size_t r = 0; r < table_.rows.size(); ++r) {
      if (!table_.rows[r].difference && Joined(table_.rows[r].parts) == name)
        return &table_.cells[r];
    }
    return nullptr;
  }

  void AddDifferences() {
    for (const DifferenceRow& difference : definition().differences) {
      const std::vector<Cell>* row = FindRow(difference.row);
      const std::vector<Cell>* minus = FindRow(difference.minus);
      std::vector<Cell> cells(table_.columns.size());
      for (std::size_t c = 0; row && minus && c < cells.size(); ++c) {
        cells[c] = Difference((*row)[c], (*minus)[c]);
      }
      table_.rows.push_back({{}, "", true, difference.label});
      table_.cells.push_back(std::move(cells));
    }
  }

  static Cell Difference(const Cell& a, const Cell& b) {
    Cell cell;
    cell.planned = std::max(a.planned, b.planned);
    cell.runs = a.runs;
    cell.runs.insert(cell.runs.end(), b.runs.begin(), b.runs.end());
    const std::map<std::int64_t, double> theirs = BySeed(b);
    for (const auto& [seed, value] : BySeed(a)) {
      const auto found = theirs.find(seed);
      if (found != theirs.end()) cell.samples.push_back({"", seed, value - found->second});
    }
    Summarise(cell);
    return cell;
  }

  std::string NameOf(std::size_t r, std::size_t c) const {
    const std::string& row = table_.rows[r].text;
    return "'" + (row.empty() ? "" : row + ", ") + table_.columns[c].text + "'";
  }

  void WarnOfThreads() {
    const std::vector<results::ThreadRange> threads = store_.PlanThreads(plan_.id);
    if (threads.empty()) return;
    ForEachFilledCell([&](std::size_t r, std::size_t c, const std::vector<std::size_t>& members) {
      std::set<std::int64_t> counts;
      for (const std::size_t i : members) {
        for (const std::int64_t n : {threads[i].least, threads[i].most}) {
          if (n > 0) counts.insert(n);
        }
      }
      if (counts.size() < 2) return;
      std::string list;
      for (const std::int64_t n : counts) list += (list.empty() ? "" : ", ") + std::to_string(n);
      table_.warnings.push_back("cell " + NameOf(r, c) + " mixes thread counts: " + list);
    });
  }

  /// A seed that stands twice in a cell means that runs are pooled which differ in something.
  void WarnOfPools() {
    std::set<std::string> keys;
    ForEachFilledCell([&](std::size_t, std::size_t, const std::vector<std::size_t>& members) {
      std::set<std::int64_t> seeds;
      for (const std::size_t i : members) seeds.insert(runs_[i].seed);
      if (seeds.size() < members.size()) CollectDiffering(members, keys);
    });
    std::string list;
    for (const std::string& key : keys) list += (list.empty() ? "" : ", ") + key;
    if (!list.empty()) table_.warnings.push_back("cells pool runs that differ in: " + list);
  }

  void CollectDiffering(const std::vector<std::size_t>& members,
                        std::set<std::string>& keys) const {
    nlohmann::json first;
    for (const std::size_t i : members) {
      const auto axes = nlohmann::json::parse(runs_[i].axes, nullptr, false);
      if (first.is_null()) first = axes;
      for (const auto& [key, value] : axes.items()) {
        if (!first.contains(key) || first[key] != value) keys.insert(key);
      }
    }
  }

  template <class Visit>
  void ForEachFilledCell(Visit visit) const {
    for (std::size_t r = 0; r < table_.rows.size(); ++r) {
      for (std::size_t c = 0; c < table_.columns.size(); ++c) {
        const auto found = members_.find(&table_.cells[r][c]);
        if (found != members_.end()) visit(r, c, found->second);
      }
    }
  }

  /// The order may be stated of a value that the table does not show.
  std::string OrderFrom() {
    const Texts& values = definition().values;
    const std::string& value = definition().order_value;
    if (definition().order.empty() ||
        std::find(values.begin(), values.end(), value) != values.end()) {
      return OrderLine(table_);
    }
    TableDefinition hidden = definition();
    hidden.values = {value};
    hidden.reference.clear();
    hidden.differences.clear();
    hidden.test.clear();
    return Builder(store_, plan_, hidden).Build().order_line;
  }

  results::ResultStore& store_;
  const results::PlanRow& plan_;
  std::vector<results::PlanRun> runs_;
  std::vector<bool> included_;
  Axis rows_, columns_;
  std::map<const Cell*, std::vector<std::size_t>> members_;
  std::map<std::string, std::vector<std::optional<double>>> values_;
  Table table_;
};

bool Selected(const std::string& experiment, const std::string& table, const Texts& names) {
  return names.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& name) {
           return name == table || name == experiment + "/" + table;
         });
}

void CheckNames(const Texts& names, const std::vector<std::pair<std::string, std::string>>& known) {
  for (const std::string& name : names) {
    Texts all;
    bool found = false;
    for (const auto& [experiment, table] : known) {
      all.push_back(table);
      found = found || Selected(experiment, table, {name});
    }
    if (found) continue;
    const std::string nearest = base::Nearest(name, all);
    std::string list;
    for (const std::string& table : all) list += (list.empty() ? "" : ", ") + table;
    throw Error(ErrorCode::kInput,
                "no table '" + name + "' in the latest plans" +
                    (nearest.empty() ? "" : "; did you mean '" + nearest + "'?") +
                    " (there are: " + (list.empty() ? "none" : list) + ")");
  }
}

}  // namespace

std::string Joined(const Texts& parts) {
  std::string text;
  for (const std::string& part : parts) text += (&part == &parts.front() ? "" : " / ") + part;
  return text;
}

Table BuildTable(results::ResultStore& store,
                 const results::PlanRow& plan,
                 const TableDefinition& definition) {
  return Builder(store, plan, definition).Build();
}

std::vector<Table> BuildTables(results::ResultStore& store, const Texts& names) {
  std::vector<Table> tables;
  std::vector<std::pair<std::string, std::string>> known;
  for (const results::PlanRow& plan : store.LatestPlans()) {
    for (const TableDefinition& definition : ParseTables(plan.tables)) {
      known.emplace_back(plan.experiment, definition.name);
      if (Selected(plan.experiment, definition.name, names)) {
        tables.push_back(BuildTable(store, plan, definition));
      }
    }
  }
  CheckNames(names, known);
  return tables;
}

std::vector<Table> BuildExperimentTables(results::ResultStore& store, std::string_view experiment) {
  std::vector<Table> tables;
  for (const results::PlanRow& plan : store.LatestPlans(experiment)) {
    for (const TableDefinition& definition : ParseTables(plan.tables)) {
      tables.push_back(BuildTable(store, plan, definition));
    }
  }
  return tables;
}

}  // namespace cross4d::report
