// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace SQLite {
class Database;
}

namespace cross4d::results {

/// One file of schema/: brings a database from version - 1 to version.
struct MigrationStep {
  int version = 0;
  std::string title;  ///< file name without ".sql"
  std::string sql;
};
/// Those built into the program, version 1 first, without gaps.
const std::vector<MigrationStep>& SchemaSteps();

/// "X4DR": says in the file's header whose database it is.
inline constexpr int kApplicationId = 0x58344452;

enum class FileKind {
  kNew,      ///< nothing in it yet
  kCurrent,  ///< this schema
  kOld,      ///< to be migrated
};
/// Looks at application_id, user_version and tables. Error(kInput) if the file belongs to another
/// program or to a newer version.
FileKind Inspect(SQLite::Database& database,
                 const std::filesystem::path& path,
                 const std::vector<MigrationStep>& steps);

/// Brings the database to the last step's version; each step and its version bump in one exclusive
/// transaction, with a copy "<path>.v<old>.backup" beside it first unless the file is new. Safe
/// when several processes do it at once. The connection needs a busy handler.
void Migrate(SQLite::Database& database,
             const std::filesystem::path& path,
             const std::vector<MigrationStep>& steps);

}  // namespace cross4d::results
