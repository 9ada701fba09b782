// SPDX-License-Identifier: Apache-2.0
#include "core/results/migrate.h"

#include "core/base/file.h"
#include "core/results/database.h"

#include <sqlite3.h>
#include <unistd.h>

#include <optional>
#include <system_error>

namespace cross4d::results {
namespace {

namespace fs = std::filesystem;

int Pragma(SQLite::Database& database, const std::string& name) {
  return database.execAndGet("PRAGMA " + name).getInt();
}

void SetPragma(SQLite::Database& database, const std::string& name, int value) {
  database.exec("PRAGMA " + name + " = " + std::to_string(value));
}

int Latest(const std::vector<MigrationStep>& steps) { return steps.back().version; }

/// A copy of version `from`, or nothing when another process has migrated the file meanwhile.
void BackUp(SQLite::Database& database, const fs::path& path, int from) {
  const fs::path target = path.string() + ".v" + std::to_string(from) + ".backup";
  const fs::path temporary = target.string() + "." + std::to_string(::getpid());
  std::error_code ignored;
  fs::remove(temporary, ignored);
  {
    SQLite::Statement statement(database, "VACUUM INTO ?");
    statement.bind(1, temporary.string());
    statement.exec();
  }
  SQLite::Database copy(temporary.string(), SQLite::OPEN_READONLY);
  if (Pragma(copy, "user_version") != from) {
    fs::remove(temporary, ignored);
    return;
  }
  base::SyncPath(temporary);
  fs::rename(temporary, target);
}

/// One step and its version bump; false if another process has done it already.
bool Apply(SQLite::Database& database,
           const fs::path& path,
           const std::vector<MigrationStep>& steps,
           const MigrationStep& step) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::EXCLUSIVE);
  Inspect(database, path, steps);
  if (Pragma(database, "user_version") != step.version - 1) return false;
  database.exec(step.sql);
  SetPragma(database, "application_id", kApplicationId);
  SetPragma(database, "user_version", step.version);
  transaction.commit();
  return true;
}

}  // namespace

FileKind Inspect(SQLite::Database& database,
                 const fs::path& path,
                 const std::vector<MigrationStep>& steps) {
  // All three of one moment: another process may make the schema between two reads.
  std::optional<SQLite::Transaction> snapshot;
  if (sqlite3_get_autocommit(database.getHandle())) snapshot.emplace(database);
  const int application = Pragma(database, "application_id");
  const int version = Pragma(database, "user_version");
  const int objects = database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt();
  if (application == 0 && version == 0 && objects == 0) return FileKind::kNew;
  if (application != kApplicationId) {
    throw Error(ErrorCode::kInput,
                path.string() + ": this is a database of another program (application_id " +
                    std::to_string(application) + ", expected " + std::to_string(kApplicationId) +
                    "); it was not touched. Give another file with --db");
  }
  if (version > Latest(steps)) {
    throw Error(ErrorCode::kInput,
                path.string() + ": made by a newer Cross4D (schema version " +
                    std::to_string(version) + ", this program knows up to " +
                    std::to_string(Latest(steps)) + "); it was not touched. Update Cross4D");
  }
  return version == Latest(steps) ? FileKind::kCurrent : FileKind::kOld;
}

void Migrate(SQLite::Database& database,
             const fs::path& path,
             const std::vector<MigrationStep>& steps) {
  const FileKind kind = Inspect(database, path, steps);
  if (kind == FileKind::kCurrent) return;
  if (kind == FileKind::kOld) {
    // Another process may have migrated it since: nothing old is left to keep then.
    const int from = Pragma(database, "user_version");
    if (from < Latest(steps)) BackUp(database, path, from);
  }
  for (const MigrationStep& step : steps) {
    if (Pragma(database, "user_version") < step.version) Apply(database, path, steps, step);
  }
}

}  // namespace cross4d::results
