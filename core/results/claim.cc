// SPDX-License-Identifier: Apache-2.0
#include "core/base/process.h"
#include "core/results/database.h"

namespace cross4d::results {
namespace {

bool OwnerIsDead(const std::string& owner) {
  const auto identity = base::ProcessIdentity::Parse(owner);
  return identity && base::CheckLiveness(*identity) == base::Liveness::kDead;
}

/// The one guarded UPDATE that decides between claimers; 0 = not claimable as it is.
struct Claimed {
  std::int64_t stage = 0, attempt = 0;
};
Claimed TryClaim(Connection& connection, const ClaimRequest& request, std::int64_t plugins) {
  Statement claim = connection.Prepare(
      "UPDATE stages SET state = 'running', cause = NULL, attempt = attempt + 1, plugin_set = ?1 "
      "WHERE key = ?2 AND (state IN ('planned', 'lost', 'cancelled') OR "
      "(state = 'failed' AND (?3 < 0 OR attempt = ?3))) RETURNING id, attempt");
  if (!claim.Bind(plugins, request.stage, request.after_attempt).Next()) return {};
  return {claim.Int(0), claim.Int(1)};
}

void InsertAttempt(Connection& connection,
                   const ClaimRequest& request,
                   const Claimed& claimed,
                   std::int64_t plugins) {
  const std::int64_t environment = EnvironmentId(connection, request.environment);
  connection
      .Prepare(
          "INSERT INTO attempts (stage, number, owner, writer, started, environment, plugin_set) "
          "VALUES (?, ?, ?, ?, ?, ?, ?)")
      .Bind(claimed.stage,
            claimed.attempt,
            request.owner,
            request.writer,
            Now(),
            environment,
            plugins)
      .Run();
  connection.Prepare("INSERT INTO attempt_texts (stage, attempt, spec) VALUES (?, ?, ?)")
      .Bind(claimed.stage, claimed.attempt, OrNull{request.spec})
      .Run();
}

void MarkLost(Connection& connection, const std::string& key) {
  static const std::string kCause = "its process died";
  connection
      .Prepare(
          "UPDATE attempts SET state = 'lost', cause = ?, ended = ? WHERE ended IS NULL AND "
          "stage = (SELECT id FROM stages WHERE key = ?)")
      .Bind(kCause, Now(), key)
      .Run();
  connection.Prepare("UPDATE stages SET state = 'lost', cause = ? WHERE key = ?")
      .Bind(kCause, key)
      .Run();
}

ClaimResult::Kind KindOf(const StageStatus& status) {
  if (!status.known) return ClaimResult::Kind::kUnknown;
  if (status.state == StageState::kDone) return ClaimResult::Kind::kDone;
  if (status.state == StageState::kFailed) return ClaimResult::Kind::kChanged;
  return OwnerIsDead(status.owner) ? ClaimResult::Kind::kDead : ClaimResult::Kind::kBusy;
}

ClaimResult ClaimInside(Connection& connection, const ClaimRequest& request) {
  ClaimResult result;
  const std::int64_t plugins = PluginSetId(connection, request.plugins);
  Claimed claimed = TryClaim(connection, request, plugins);
  if (claimed.attempt == 0) {
    result.status = ReadStatus(connection, request.stage);
    result.kind = KindOf(result.status);
    if (result.kind != ClaimResult::Kind::kDead || !request.take_over) return result;
    MarkLost(connection, request.stage);
    claimed = TryClaim(connection, request, plugins);
    result.took_over = true;
  }
  InsertAttempt(connection, request, claimed, plugins);
  result.kind = ClaimResult::Kind::kClaimed;
  result.attempt = claimed.attempt;
  result.status = {};
  return result;
}

}  // namespace

StageStatus ReadStatus(Connection& connection, const std::string& key) {
  StageStatus status;
  std::int64_t id = 0;
  {
    Statement find = connection.Prepare(
        "SELECT id, state, cause, attempt, plugin_set FROM stages WHERE key = ?");
    if (!find.Bind(key).Next()) return status;
    id = find.Int(0);
    status.known = true;
    status.state = StateFromName(find.Text(1));
    status.cause = find.Text(2);
    status.attempt = find.Int(3);
    status.plugins = find.Int(4);
  }
  if (status.state != StageState::kRunning) return status;
  Statement lease =
      connection.Prepare("SELECT owner, writer FROM attempts WHERE stage = ? AND number = ?");
  if (lease.Bind(id, status.attempt).Next()) {
    status.owner = lease.Text(0);
    status.writer = lease.Text(1);
  }
  return status;
}

ClaimResult ResultStore::Claim(const ClaimRequest& request) {
  Connection& connection = state_->connection;
  // Most answers to a second process are "done" or "busy": those need no write lock.
  ClaimResult result;
  result.status = connection.Guard([&] { return ReadStatus(connection, request.stage); });
  if (!result.status.known || result.status.state == StageState::kDone ||
      result.status.state == StageState::kRunning) {
    result.kind = KindOf(result.status);
    if (result.kind != ClaimResult::Kind::kDead || !request.take_over) return result;
  }
  // No claimer outlives a power cut, so its claim need not.
  return connection.WriteRelaxed([&] { return ClaimInside(connection, request); });
}

std::vector<StageStatus> ResultStore::StateOf(const std::vector<std::string>& keys) {
  Connection& connection = state_->connection;
  return connection.Read([&] {
    std::vector<StageStatus> result;
    result.reserve(keys.size());
    for (const std::string& key : keys) result.push_back(ReadStatus(connection, key));
    return result;
  });
}

std::vector<std::pair<std::string, StageStatus>> ResultStore::Running() {
  Connection& connection = state_->connection;
  return connection.Guard([&] {
    std::vector<std::string> keys;
    {
      Statement find = connection.Prepare(
          "SELECT s.key FROM attempts AS a CROSS JOIN stages AS s ON s.id = a.stage "
          "WHERE a.ended IS NULL ORDER BY s.id");
      while (find.Next()) keys.push_back(find.Text(0));
    }
    std::vector<std::pair<std::string, StageStatus>> result;
    for (const std::string& key : keys) result.emplace_back(key, ReadStatus(connection, key));
    return result;
  });
}

int ResultStore::Reset(const std::vector<std::string>& keys) {
  Connection& connection = state_->connection;
  return connection.Write([&] {
    int changed = 0;
    for (const std::string& key : keys) {
      changed += connection
                     .Prepare(
                         "UPDATE stages SET state = 'planned', cause = NULL "
                         "WHERE key = ? AND state NOT IN ('planned', 'running')")
                     .Bind(key)
                     .Run();
    }
    return changed;
  });
}

}  // namespace cross4d::results
