// SPDX-License-Identifier: Apache-2.0
#include "core/base/hash.h"
#include "core/base/process.h"
#include "core/results/database.h"

#include <system_error>

namespace cross4d::results {
namespace {

/// A query whose every row is a broken invariant; column 0 says where.
struct Invariant {
  const char* text;
  const char* sql;
};

// The schema's constraints and triggers hold most of these already; a damaged file or another
// program's write can break them all the same.
constexpr Invariant kInvariants[] = {
    {"a run has no stages",
     "SELECT r.key FROM runs AS r WHERE NOT EXISTS (SELECT 1 FROM run_stages WHERE run = r.id)"},
    {"a stage is in no known state",
     "SELECT key FROM stages WHERE state NOT IN "
     "('planned', 'running', 'done', 'failed', 'lost', 'cancelled')"},
    {"a stage has more than one live lease",
     "SELECT s.key FROM stages AS s WHERE "
     "(SELECT count(*) FROM attempts WHERE stage = s.id AND ended IS NULL) > 1"},
    {"a stage is running without a live lease of its latest attempt",
     "SELECT s.key FROM stages AS s LEFT JOIN attempts AS a ON a.stage = s.id AND a.number = "
     "s.attempt "
     "WHERE s.state = 'running' AND (a.stage IS NULL OR a.ended IS NOT NULL)"},
    {"a stage has a live lease and is not running",
     "SELECT s.key FROM attempts AS a JOIN stages AS s ON s.id = a.stage "
     "WHERE a.ended IS NULL AND s.state <> 'running'"},
    {"the attempts of a stage are not numbered 1, 2, …",
     "SELECT s.key FROM stages AS s LEFT JOIN attempts AS a ON a.stage = s.id GROUP BY s.id "
     "HAVING count(a.number) <> s.attempt OR coalesce(max(a.number), 0) <> s.attempt"},
    {"a done stage whose latest attempt is not done",
     "SELECT s.key FROM stages AS s LEFT JOIN attempts AS a ON a.stage = s.id AND a.number = "
     "s.attempt "
     "WHERE s.state = 'done' AND a.state IS NOT 'done'"},
    {"a done stage has no artifact hash",
     "SELECT s.key FROM stages AS s LEFT JOIN artifacts AS f ON f.stage = s.id AND "
     "f.attempt = s.attempt WHERE s.state = 'done' AND coalesce(f.hash, '') = ''"},
    {"a done evaluation has no final metric",
     "SELECT s.key FROM stages AS s WHERE s.state = 'done' AND s.kind = 'evaluation' AND NOT "
     "EXISTS "
     "(SELECT 1 FROM metrics WHERE stage = s.id AND attempt = s.attempt AND step = -1)"},
    {"a failed, lost or cancelled stage has no cause",
     "SELECT key FROM stages WHERE state IN ('failed', 'lost', 'cancelled') AND "
     "coalesce(cause, '') = ''"},
};

void CheckInvariants(Connection& connection, CheckReport& report) {
  for (const Invariant& invariant : kInvariants) {
    Statement find = connection.Prepare(invariant.sql);
    int shown = 0;
    while (find.Next()) {
      if (++shown > 10) {
        report.problems.push_back(std::string(invariant.text) + ": … and more");
        break;
      }
      report.problems.push_back(std::string(invariant.text) + ": " + find.Text(0));
    }
  }
}

void CheckFile(Connection& connection, CheckReport& report) {
  SQLite::Statement integrity(connection.database(), "PRAGMA integrity_check(20)");
  while (integrity.executeStep()) {
    const std::string line = integrity.getColumn(0).getString();
    if (line != "ok") report.problems.push_back("integrity_check: " + line);
  }
  SQLite::Statement foreign(connection.database(), "PRAGMA foreign_key_check");
  while (foreign.executeStep()) {
    report.problems.push_back("a row of " + foreign.getColumn(0).getString() +
                              " points to a row of " + foreign.getColumn(2).getString() +
                              " that is not there");
  }
}

void CheckOwners(Connection& connection, CheckReport& report) {
  Statement find = connection.Prepare(
      "SELECT s.key, a.owner FROM attempts AS a JOIN stages AS s ON s.id = a.stage "
      "WHERE a.ended IS NULL ORDER BY s.id");
  while (find.Next()) {
    const auto owner = base::ProcessIdentity::Parse(find.Text(1));
    if (owner && base::CheckLiveness(*owner) == base::Liveness::kDead) {
      report.notes.push_back("stage " + find.Text(0) + " is running, but its process " +
                             std::to_string(owner->pid) + " is dead: the next run takes it over");
    }
  }
}

/// A missing artifact is no fault (gc may have taken it); a different one is.
void CheckArtifacts(Connection& connection, CheckReport& report) {
  Statement find = connection.Prepare(
      "SELECT s.key, f.hash, f.folder FROM stages AS s JOIN artifacts AS f ON f.stage = s.id AND "
      "f.attempt = s.attempt WHERE s.state = 'done' ORDER BY s.id");
  while (find.Next()) {
    const std::filesystem::path manifest = std::filesystem::path(find.Text(2)) / "manifest.json";
    std::error_code ignored;
    if (!std::filesystem::exists(manifest, ignored)) {
      report.notes.push_back("stage " + find.Text(0) +
                             ": its artifact is gone: " + manifest.string());
    } else if (const std::string hash = base::Sha256File(manifest.string()); hash != find.Text(1)) {
      report.problems.push_back("stage " + find.Text(0) + ": " + manifest.string() + " has hash " +
                                hash + ", recorded is " + find.Text(1));
    }
  }
}

}  // namespace

CheckReport ResultStore::Check(bool files) {
  Connection& connection = state_->connection;
  return connection.Guard([&] {
    CheckReport report;
    CheckFile(connection, report);
    // The other queries may fail in a damaged file; what is known by then is the better message.
    if (!report.problems.empty()) return report;
    CheckInvariants(connection, report);
    CheckOwners(connection, report);
    if (files) CheckArtifacts(connection, report);
    return report;
  });
}

}  // namespace cross4d::results
