// SPDX-License-Identifier: Apache-2.0
#include "core/results/database.h"

#include <cmath>

namespace cross4d::results {
namespace {

/// Who may write: the current attempt of a running stage, by its own writer.
struct Fence {
  WriteResult result = WriteResult::kRefused;
  std::int64_t stage = 0;
};

/// `said`: the state that the writer reports; the same report again is answered with kAlready.
Fence CheckFence(Connection& connection,
                 const std::string& key,
                 std::int64_t attempt,
                 const std::string& writer,
                 const std::string& said) {
  Statement find = connection.Prepare(
      "SELECT s.id, s.state, s.attempt, a.writer, a.state FROM stages AS s JOIN attempts AS a "
      "ON a.stage = s.id AND a.number = ? WHERE s.key = ?");
  if (!find.Bind(attempt, key).Next() || find.Text(3) != writer) return {};
  if (find.Text(4) == said && said != "running") return {WriteResult::kAlready, find.Int(0)};
  if (find.Text(1) != "running" || find.Int(2) != attempt || find.Text(4) != "running") return {};
  return {WriteResult::kWritten, find.Int(0)};
}

void RecordFingerprint(Connection& connection,
                       std::int64_t stage,
                       const FingerprintRecord& record) {
  {
    Statement find =
        connection.Prepare("SELECT fingerprint, location FROM fingerprints WHERE key = ?");
    if (find.Bind(record.key).Next()) {
      if (find.Text(0) == record.fingerprint) return;
      throw Error(ErrorCode::kInput,
                  "what lies at " + record.location + " (fingerprint " + record.fingerprint +
                      ") is not what earlier stages read at " + find.Text(1) + " (fingerprint " +
                      find.Text(0) +
                      ") under the same options; restore it, or use another --db and --store");
    }
  }
  connection
      .Prepare(
          "INSERT INTO fingerprints (key, fingerprint, location, stage, recorded) VALUES (?, ?, ?, "
          "?, ?)")
      .Bind(record.key, record.fingerprint, record.location, stage, Now())
      .Run();
}

void SetLogTail(Connection& connection,
                std::int64_t stage,
                std::int64_t attempt,
                const std::string& log_tail) {
  if (log_tail.empty()) return;
  connection.Prepare("UPDATE attempt_texts SET log_tail = ? WHERE stage = ? AND attempt = ?")
      .Bind(log_tail, stage, attempt)
      .Run();
}

void EndAttempt(Connection& connection,
                std::int64_t stage,
                std::int64_t attempt,
                const std::string& state,
                const std::string& cause,
                const std::string& text) {
  connection
      .Prepare(
          "UPDATE attempts SET state = ?, cause = ?, text = ?, ended = ? WHERE stage = ? AND "
          "number = ?")
      .Bind(state, OrNull{cause}, OrNull{text}, Now(), stage, attempt)
      .Run();
}

void SetStage(Connection& connection,
              std::int64_t stage,
              const std::string& state,
              const std::string& cause) {
  connection.Prepare("UPDATE stages SET state = ?, cause = ? WHERE id = ?")
      .Bind(state, OrNull{cause}, stage)
      .Run();
}

/// One line that fits a listing.
std::string ShownCause(const FailRecord& record) {
  if (record.cause != "error" || record.text.empty()) {
    return record.cause.empty() ? StateName(record.state) : record.cause;
  }
  std::string line = record.text.substr(0, record.text.find('\n'));
  constexpr std::size_t kLongest = 400;
  if (line.size() <= kLongest) return line;
  std::size_t end = kLongest;
  while (end > 0 && (line[end] & 0xC0) == 0x80) --end;  // not inside a UTF-8 character
  return line.substr(0, end) + "…";
}

void WriteFinish(Connection& connection, std::int64_t stage, const FinishRecord& record) {
  for (const FingerprintRecord& fingerprint : record.fingerprints) {
    RecordFingerprint(connection, stage, fingerprint);
  }
  InsertMetrics(connection, stage, record.attempt, record.metrics);
  const ArtifactRecord& artifact = record.artifact;
  connection
      .Prepare("INSERT INTO artifacts (stage, attempt, hash, bytes, folder) VALUES (?, ?, ?, ?, ?)")
      .Bind(stage, record.attempt, artifact.hash, artifact.bytes, artifact.folder)
      .Run();
  SetLogTail(connection, stage, record.attempt, record.log_tail);
  if (record.environment) {
    const std::int64_t environment = EnvironmentId(connection, *record.environment);
    connection.Prepare("UPDATE attempts SET environment = ? WHERE stage = ? AND number = ?")
        .Bind(environment, stage, record.attempt)
        .Run();
  }
  EndAttempt(connection, stage, record.attempt, "done", "", "");
  SetStage(connection, stage, "done", "");
}

}  // namespace

void InsertMetrics(Connection& connection,
                   std::int64_t stage,
                   std::int64_t attempt,
                   const std::vector<MetricRecord>& metrics) {
  Statement insert = connection.Prepare(
      "INSERT INTO metrics (stage, attempt, name, step, value) VALUES (?, ?, ?, ?, ?) "
      "ON CONFLICT DO NOTHING");
  for (const MetricRecord& metric : metrics) {
    if (std::isnan(metric.value))
      insert.Bind(stage, attempt, metric.name, metric.step, std::nullopt).Run();
    else
      insert.Bind(stage, attempt, metric.name, metric.step, metric.value).Run();
  }
}

WriteResult ResultStore::Finish(const FinishRecord& record) {
  if (record.artifact.hash.empty()) {
    throw Error(
        ErrorCode::kInternal,
        "stage " + record.stage + " finished without an artifact hash; a done stage needs one");
  }
  Connection& connection = state_->connection;
  return connection.Write([&] {
    const Fence fence = CheckFence(connection, record.stage, record.attempt, record.writer, "done");
    if (fence.result == WriteResult::kWritten) WriteFinish(connection, fence.stage, record);
    return fence.result;
  });
}

WriteResult ResultStore::Fail(const FailRecord& record) {
  if (record.state != StageState::kFailed && record.state != StageState::kLost &&
      record.state != StageState::kCancelled) {
    throw Error(ErrorCode::kInternal,
                "stage " + record.stage + " cannot fail as '" + StateName(record.state) + "'");
  }
  Connection& connection = state_->connection;
  return connection.Write([&] {
    const std::string state = StateName(record.state), cause = ShownCause(record);
    const Fence fence = CheckFence(connection, record.stage, record.attempt, record.writer, state);
    if (fence.result != WriteResult::kWritten) return fence.result;
    InsertMetrics(connection, fence.stage, record.attempt, record.metrics);
    SetLogTail(connection, fence.stage, record.attempt, record.log_tail);
    EndAttempt(connection, fence.stage, record.attempt, state, cause, record.text);
    SetStage(connection, fence.stage, state, cause);
    return fence.result;
  });
}

WriteResult ResultStore::AddMetrics(const std::string& stage,
                                    std::int64_t attempt,
                                    const std::string& writer,
                                    const std::vector<MetricRecord>& metrics) {
  Connection& connection = state_->connection;
  // The spool has these values; losing the last of them to a power cut costs nothing.
  return connection.WriteRelaxed([&] {
    const Fence fence = CheckFence(connection, stage, attempt, writer, "running");
    if (fence.result == WriteResult::kWritten) {
      InsertMetrics(connection, fence.stage, attempt, metrics);
    }
    return fence.result;
  });
}

}  // namespace cross4d::results
