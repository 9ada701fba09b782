// SPDX-License-Identifier: Apache-2.0
#include "core/results/database.h"

#include <algorithm>

namespace cross4d::results {
namespace {

/// Of every run of the plan, in its order.
std::vector<std::int64_t> OptionSets(Connection& connection, std::int64_t plan) {
  std::vector<std::int64_t> sets;
  Statement find = connection.Prepare(
      "SELECT r.option_set FROM plan_runs AS p JOIN runs AS r ON r.id = p.run "
      "WHERE p.plan = ? ORDER BY p.position");
  find.Bind(plan);
  while (find.Next()) sets.push_back(find.Int(0));
  return sets;
}

/// option id -> value, of one key.
std::unordered_map<std::int64_t, std::string> ValuesOf(Connection& connection,
                                                       const std::string& key) {
  std::unordered_map<std::int64_t, std::string> values;
  Statement find = connection.Prepare("SELECT id, value FROM options WHERE key = ?");
  find.Bind(key);
  while (find.Next()) values.emplace(find.Int(0), find.Text(1));
  return values;
}

using Values = std::unordered_map<std::int64_t, std::string>;

std::optional<std::string> SetValue(Connection& connection,
                                    std::int64_t set,
                                    const Values& values) {
  Statement find =
      connection.Prepare("SELECT 1 FROM option_set_items WHERE option_set = ? AND option = ?");
  for (const auto& [option, value] : values) {
    if (find.Bind(set, option).Next()) return value;
    find.Reset();
  }
  return std::nullopt;
}

/// The values that runs have apart from their sets; positions count from 0 without gaps.
void AddOwnValues(Connection& connection,
                  std::int64_t plan,
                  const Values& values,
                  std::vector<std::optional<std::string>>& result) {
  Statement find = connection.Prepare(
      "SELECT p.position, o.option FROM plan_runs AS p JOIN run_options AS o ON o.run = p.run "
      "WHERE p.plan = ?");
  find.Bind(plan);
  while (find.Next()) {
    const auto found = values.find(find.Int(1));
    if (found != values.end()) result.at(static_cast<std::size_t>(find.Int(0))) = found->second;
  }
}

/// "seed" and "block" are columns of the run.
std::vector<std::optional<std::string>> Column(Connection& connection,
                                               std::int64_t plan,
                                               const std::string& key) {
  std::vector<std::optional<std::string>> result;
  Statement find = connection.Prepare(
      "SELECT r.seed, r.block FROM plan_runs AS p JOIN runs AS r ON r.id = p.run "
      "WHERE p.plan = ? ORDER BY p.position");
  find.Bind(plan);
  while (find.Next()) result.emplace_back(find.Text(key == "seed" ? 0 : 1));
  return result;
}

/// One value per position; where a run has several stages of one kind, the first that has a value.
std::vector<std::optional<double>> ReadValues(Statement find,
                                              std::int64_t plan,
                                              const std::string& source,
                                              const std::string& metric) {
  std::vector<std::optional<double>> values;
  find.Bind(plan, source, metric);
  std::int64_t last = -1;
  while (find.Next()) {
    if (find.Int(0) != last) values.emplace_back();
    last = find.Int(0);
    if (!values.back()) values.back() = find.OptionalReal(1);
  }
  return values;
}

}  // namespace

std::vector<PlanRow> ResultStore::LatestPlans(std::string_view experiment) {
  Connection& connection = state_->connection;
  return connection.Guard([&] {
    const std::string name(experiment);
    std::vector<PlanRow> rows;
    Statement find = connection.Prepare(
        "SELECT p.id, x.name, p.source, p.tables, p.created, "
        "(SELECT count(*) FROM plan_runs WHERE plan = p.id) "
        "FROM latest_plan AS l JOIN plans AS p ON p.id = l.id "
        "JOIN experiments AS x ON x.id = p.experiment WHERE ?1 = '' OR x.name = ?1 ORDER BY "
        "x.name");
    find.Bind(name);
    while (find.Next()) {
      rows.push_back(
          {find.Int(0), find.Text(1), find.Text(2), find.Text(3), find.Real(4), find.Int(5)});
    }
    return rows;
  });
}

std::vector<PlanRun> ResultStore::PlanRuns(std::int64_t plan) {
  Connection& connection = state_->connection;
  return connection.Guard([&] {
    std::vector<PlanRun> runs;
    Statement find = connection.Prepare(
        "SELECT r.id, r.key, r.seed, r.axes FROM plan_runs AS p JOIN runs AS r ON r.id = p.run "
        "WHERE p.plan = ? ORDER BY p.position");
    find.Bind(plan);
    while (find.Next()) {
      runs.push_back({find.Int(0), find.Text(1), find.Int(2), find.Text(3)});
    }
    return runs;
  });
}

std::vector<std::optional<std::string>> ResultStore::PlanOptions(std::int64_t plan,
                                                                 const std::string& key) {
  Connection& connection = state_->connection;
  return connection.Guard([&] {
    if (key == "seed" || key == "block") return Column(connection, plan, key);
    const Values values = ValuesOf(connection, key);
    std::unordered_map<std::int64_t, std::optional<std::string>> of_set;
    std::vector<std::optional<std::string>> result;
    bool whole = true;
    for (const std::int64_t set : OptionSets(connection, plan)) {
      const auto [slot, fresh] = of_set.try_emplace(set);
      if (fresh) slot->second = SetValue(connection, set, values);
      whole = whole && slot->second;
      result.push_back(slot->second);
    }
    if (!whole) AddOwnValues(connection, plan, values, result);
    return result;
  });
}

std::vector<std::optional<double>> ResultStore::PlanValues(std::int64_t plan,
                                                           const std::string& source,
                                                           const std::string& metric) {
  Connection& connection = state_->connection;
  return connection.Guard([&] {
    // Every step of the left joins is a lookup by primary key; runs without a value stay.
    std::vector<std::optional<double>> values = ReadValues(
        connection.Prepare(
            "SELECT p.position, m.value FROM plan_runs AS p "
            "LEFT JOIN run_stages AS rs ON rs.run = p.run AND rs.evaluation = ?2 "
            "LEFT JOIN stages AS s ON s.id = rs.stage AND s.state = 'done' "
            "LEFT JOIN metrics AS m ON m.stage = s.id AND m.attempt = s.attempt AND m.name = ?3 "
            "AND m.step = -1 WHERE p.plan = ?1 ORDER BY p.position"),
        plan,
        source,
        metric);
    const bool found =
        std::any_of(values.begin(), values.end(), [](auto& v) { return v.has_value(); });
    if (found) return values;
    return ReadValues(
        connection.Prepare(
            "SELECT p.position, m.value FROM plan_runs AS p "
            "LEFT JOIN run_stages AS rs ON rs.run = p.run AND rs.evaluation IS NULL "
            "LEFT JOIN stages AS s ON s.id = rs.stage AND s.state = 'done' AND s.kind = ?2 "
            "LEFT JOIN metrics AS m ON m.stage = s.id AND m.attempt = s.attempt AND m.name = ?3 "
            "AND m.step = -1 WHERE p.plan = ?1 ORDER BY p.position"),
        plan,
        source,
        metric);
  });
}

std::vector<ThreadRange> ResultStore::PlanThreads(std::int64_t plan) {
  Connection& connection = state_->connection;
  return connection.Guard([&] {
    std::vector<ThreadRange> ranges;
    {
      Statement counts = connection.Prepare("SELECT count(DISTINCT threads) FROM environments");
      if (counts.Next() && counts.Int(0) < 2) return ranges;
    }
    Statement find = connection.Prepare(
        "SELECT min(e.threads), max(e.threads) FROM plan_runs AS p "
        "LEFT JOIN run_stages AS rs ON rs.run = p.run "
        "LEFT JOIN stages AS s ON s.id = rs.stage AND s.state = 'done' "
        "LEFT JOIN attempts AS a ON a.stage = s.id AND a.number = s.attempt "
        "LEFT JOIN environments AS e ON e.id = a.environment "
        "WHERE p.plan = ? GROUP BY p.position ORDER BY p.position");
    find.Bind(plan);
    while (find.Next()) ranges.push_back({find.Int(0), find.Int(1)});
    return ranges;
  });
}

}  // namespace cross4d::results
