// SPDX-License-Identifier: Apache-2.0
#include "core/results/database.h"

namespace cross4d::results {
namespace {

// The columns that ReadRun expects.
#define RUN_COLUMNS                                                                \
  "w.key, w.experiment, w.block, w.state, w.cause, w.seed, w.attempts, w.stages, " \
  "w.stages_done, w.axes, w.stage, w.started, w.ended"

RunRow ReadRun(const Statement& q) {
  RunRow row;
  row.key = q.Text(0);
  row.experiment = q.Text(1);
  row.block = q.Text(2);
  row.state = q.Text(3);
  row.cause = q.Text(4);
  row.seed = q.Int(5);
  row.attempts = q.Int(6);
  row.stages = q.Int(7);
  row.stages_done = q.Int(8);
  row.axes = q.Text(9);
  row.failed_stage = q.Text(10);
  row.started = q.OptionalReal(11);
  row.ended = q.OptionalReal(12);
  return row;
}

std::vector<PluginRecord> ReadPlugins(Connection& connection, std::int64_t set) {
  std::vector<PluginRecord> plugins;
  Statement find = connection.Prepare(
      "SELECT p.role, p.name, p.version, p.build_id, p.sha256, p.file FROM plugin_set_items AS i "
      "JOIN plugins AS p ON p.id = i.plugin WHERE i.plugin_set = ? ORDER BY p.role");
  find.Bind(set);
  while (find.Next()) {
    plugins.push_back(
        {find.Text(0), find.Text(1), find.Text(2), find.Text(3), find.Text(4), find.Text(5)});
  }
  return plugins;
}

std::vector<AttemptRow> ReadAttempts(Connection& connection, std::int64_t stage) {
  std::vector<AttemptRow> attempts;
  Statement find = connection.Prepare(
      "SELECT a.number, a.state, a.cause, a.text, a.owner, a.writer, t.log_tail, a.started, "
      "a.ended, "
      "e.git_revision, e.git_dirty, e.host, e.cpu, e.gpu, e.libtorch, e.cuda, e.device, e.threads, "
      "e.extra, a.plugin_set FROM attempts AS a "
      "LEFT JOIN attempt_texts AS t ON t.stage = a.stage AND t.attempt = a.number "
      "LEFT JOIN environments AS e ON e.id = a.environment WHERE a.stage = ? ORDER BY a.number");
  find.Bind(stage);
  while (find.Next()) {
    AttemptRow row;
    row.number = find.Int(0);
    row.state = find.Text(1);
    row.cause = find.Text(2);
    row.text = find.Text(3);
    row.owner = find.Text(4);
    row.writer = find.Text(5);
    row.log_tail = find.Text(6);
    row.started = find.OptionalReal(7);
    row.ended = find.OptionalReal(8);
    row.environment = {find.Text(9),
                       find.Text(10),
                       find.Text(11),
                       find.Text(12),
                       find.Text(13),
                       find.Text(14),
                       find.Text(15),
                       find.Text(16),
                       find.Int(17),
                       find.Text(18)};
    row.plugins = ReadPlugins(connection, find.Int(19));
    attempts.push_back(std::move(row));
  }
  return attempts;
}

std::vector<MetricRecord> ReadMetrics(Connection& connection,
                                      std::int64_t stage,
                                      std::int64_t attempt) {
  std::vector<MetricRecord> metrics;
  Statement find = connection.Prepare(
      "SELECT name, step, value FROM metrics WHERE stage = ? AND attempt = ? AND value IS NOT NULL "
      "ORDER BY name, step");
  find.Bind(stage, attempt);
  while (find.Next()) metrics.push_back({find.Text(0), find.Int(1), find.Real(2)});
  return metrics;
}

std::optional<ArtifactRecord> ReadArtifact(Connection& connection,
                                           std::int64_t stage,
                                           std::int64_t attempt) {
  Statement find = connection.Prepare(
      "SELECT hash, bytes, folder FROM artifacts WHERE stage = ? AND attempt = ?");
  if (!find.Bind(stage, attempt).Next()) return std::nullopt;
  return ArtifactRecord{find.Text(0), find.Int(1), find.Text(2)};
}

std::vector<StageRow> ReadStages(Connection& connection, const std::string& run) {
  std::vector<StageRow> stages;
  Statement find = connection.Prepare(
      "SELECT s.id, s.key, s.kind, rs.evaluation, s.label, s.state, s.cause, s.attempt "
      "FROM runs AS r JOIN run_stages AS rs ON rs.run = r.id JOIN stages AS s ON s.id = rs.stage "
      "WHERE r.key = ? ORDER BY rs.position");
  find.Bind(run);
  while (find.Next()) {
    StageRow row;
    const std::int64_t id = find.Int(0);
    row.key = find.Text(1);
    row.kind = find.Text(2);
    row.evaluation = find.Text(3);
    row.label = find.Text(4);
    row.state = find.Text(5);
    row.cause = find.Text(6);
    row.attempts = ReadAttempts(connection, id);
    row.metrics = ReadMetrics(connection, id, find.Int(7));
    row.artifact = ReadArtifact(connection, id, find.Int(7));
    stages.push_back(std::move(row));
  }
  return stages;
}

/// The one key that begins with `prefix`.
std::string ResolvePrefix(Connection& connection, const std::string& prefix) {
  std::vector<std::string> keys;
  // A range, not LIKE: the prefix may hold any character, and the index serves it.
  Statement find = connection.Prepare(
      "SELECT key FROM runs WHERE key >= ?1 AND key < ?2 AND substr(key, 1, length(?1)) = ?1 "
      "ORDER BY key LIMIT 3");
  const std::string end = prefix + '\x7f';
  find.Bind(prefix, end);
  while (find.Next()) keys.push_back(find.Text(0));
  const std::string where = " in " + connection.path().string();
  if (prefix.empty() || keys.empty()) {
    throw Error(
        ErrorCode::kInput,
        "no run whose key begins with '" + prefix + "'" + where + "; `cross4d runs` lists them");
  }
  if (keys.size() > 1 && keys.front() != prefix) {
    throw Error(ErrorCode::kInput,
                "several runs begin with '" + prefix + "'" + where + ": " + keys[0] + ", " +
                    keys[1] + (keys.size() > 2 ? ", …" : "") + "; give more digits");
  }
  return keys.front();
}

std::vector<RunRow> AllRuns(Connection& connection, const std::string& experiment) {
  std::vector<RunRow> rows;
  Statement find = connection.Prepare("SELECT " RUN_COLUMNS
                                      " FROM run_summary AS w JOIN runs AS r ON r.key = w.key "
                                      "WHERE ?1 = '' OR w.experiment = ?1 ORDER BY r.id");
  find.Bind(experiment);
  while (find.Next()) rows.push_back(ReadRun(find));
  return rows;
}

}  // namespace

const std::vector<PluginRecord>& ResultStore::Plugins(std::int64_t set) {
  const auto [slot, fresh] = state_->plugin_sets.try_emplace(set);
  Connection& connection = state_->connection;
  if (fresh) slot->second = connection.Guard([&] { return ReadPlugins(connection, set); });
  return slot->second;
}

std::optional<FingerprintRecord> ResultStore::FindFingerprint(const std::string& key) {
  Connection& connection = state_->connection;
  return connection.Guard([&]() -> std::optional<FingerprintRecord> {
    Statement find =
        connection.Prepare("SELECT fingerprint, location FROM fingerprints WHERE key = ?");
    if (!find.Bind(key).Next()) return std::nullopt;
    return FingerprintRecord{key, find.Text(0), find.Text(1)};
  });
}

std::optional<ArtifactRecord> ResultStore::Artifact(const std::string& stage) {
  Connection& connection = state_->connection;
  return connection.Guard([&]() -> std::optional<ArtifactRecord> {
    std::int64_t id = 0, attempt = 0;
    {
      Statement find =
          connection.Prepare("SELECT id, attempt FROM stages WHERE key = ? AND state = 'done'");
      if (!find.Bind(stage).Next()) return std::nullopt;
      id = find.Int(0);
      attempt = find.Int(1);
    }
    return ReadArtifact(connection, id, attempt);
  });
}

std::vector<RunRow> ResultStore::Runs(std::string_view experiment, bool all) {
  Connection& connection = state_->connection;
  return connection.Guard([&] {
    const std::string name(experiment);
    if (all) return AllRuns(connection, name);
    std::vector<RunRow> rows;
    Statement find =
        connection.Prepare("SELECT " RUN_COLUMNS
                           " FROM latest_plan AS l JOIN experiments AS x ON x.id = l.experiment "
                           "JOIN plan_runs AS p ON p.plan = l.id JOIN runs AS r ON r.id = p.run "
                           "JOIN run_summary AS w ON w.key = r.key "
                           "WHERE ?1 = '' OR x.name = ?1 ORDER BY x.name, p.position");
    find.Bind(name);
    while (find.Next()) rows.push_back(ReadRun(find));
    return rows;
  });
}

RunDetail ResultStore::Show(std::string_view prefix) {
  Connection& connection = state_->connection;
  return connection.Read([&] {
    const std::string key = ResolvePrefix(connection, std::string(prefix));
    RunDetail detail;
    {
      Statement find =
          connection.Prepare("SELECT " RUN_COLUMNS " FROM run_summary AS w WHERE w.key = ?");
      if (find.Bind(key).Next()) detail.run = ReadRun(find);
    }
    {
      Statement find = connection.Prepare("SELECT key, value FROM run_option WHERE run = ?");
      find.Bind(key);
      while (find.Next()) detail.options.emplace(find.Text(0), find.Text(1));
    }
    detail.stages = ReadStages(connection, key);
    return detail;
  });
}

std::vector<StageUse> ResultStore::StageUses() {
  Connection& connection = state_->connection;
  return connection.Read([&] {
    std::vector<StageUse> uses;
    Statement find = connection.Prepare(
        "SELECT s.key, s.kind, CASE WHEN s.state = 'done' THEN a.hash END, x.name, r.key "
        "FROM stages AS s "
        "LEFT JOIN artifacts AS a ON a.stage = s.id AND a.attempt = s.attempt "
        "LEFT JOIN (SELECT DISTINCT stage, run FROM run_stages) AS rs ON rs.stage = s.id "
        "LEFT JOIN runs AS r ON r.id = rs.run "
        "LEFT JOIN experiments AS x ON x.id = r.experiment "
        "ORDER BY s.key, x.name, r.id");
    while (find.Next()) {
      if (uses.empty() || uses.back().key != find.Text(0)) {
        uses.push_back({find.Text(0), find.Text(1), find.Text(2), {}});
      }
      if (!find.Text(4).empty()) uses.back().runs.push_back({find.Text(3), find.Text(4)});
    }
    return uses;
  });
}

}  // namespace cross4d::results
