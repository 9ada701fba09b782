// SPDX-License-Identifier: Apache-2.0
#include "core/results/database.h"

#include "core/results/migrate.h"

#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <system_error>
#include <thread>

namespace cross4d::results {
namespace {

namespace fs = std::filesystem;
constexpr int kBusyMilliseconds = 60000;

/// The primary code and what to tell about it.
struct Explanation {
  ErrorCode code;
  const char* text;
};

Explanation Explain(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return {ErrorCode::kEnvironment, "disk full; make room and run the same command again"};
    case SQLITE_NOTADB:
      return {ErrorCode::kInput,
              "not a SQLite database, or a damaged one; it was not touched. Give another file with "
              "--db"};
    case SQLITE_CORRUPT:
      return {
          ErrorCode::kEnvironment,
          "the database is damaged; restore a backup (`cross4d db backup` or <file>.v*.backup)"};
    case SQLITE_READONLY:
      return {ErrorCode::kEnvironment, "the file or its folder is read-only"};
    case SQLITE_CANTOPEN:
      return {ErrorCode::kEnvironment,
              "cannot be opened; expected a file in a folder that exists and can be written"};
    case SQLITE_PERM:
      return {ErrorCode::kEnvironment, "no permission"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return {ErrorCode::kEnvironment, "another program has held its lock for a minute"};
    case SQLITE_IOERR:
      return {ErrorCode::kEnvironment,
              "cannot be read or written (disk full, a file size limit, or a failing disk)"};
    default:
      return {ErrorCode::kInternal, "unexpected database error"};
  }
}

/// One connection belongs to one thread: SQLite's own locks are not needed.
SQLite::Database OpenFile(const fs::path& path, int flags) {
  return SQLite::Database(path.string(), flags | SQLite::OPEN_NOMUTEX, kBusyMilliseconds);
}

void Tune(SQLite::Database& database) {
  database.exec(
      "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
      "PRAGMA cache_size = -16384; PRAGMA mmap_size = 268435456");
}

/// Changing the journal mode does not wait for other connections by itself. File systems without
/// shared memory keep the rollback journal, which is slower and as safe.
void EnterWal(SQLite::Database& database) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kBusyMilliseconds);
  for (;;) {
    try {
      if (database.execAndGet("PRAGMA journal_mode").getString() == "wal") return;
      database.execAndGet("PRAGMA journal_mode = WAL");
      return;
    } catch (const SQLite::Exception& exception) {
      const int code = exception.getErrorCode() & 0xff;
      if (code != SQLITE_BUSY || std::chrono::steady_clock::now() > deadline) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
}

SQLite::Database OpenForWriting(const fs::path& path) {
  std::error_code ignored;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, ignored)) {
    throw Error(ErrorCode::kEnvironment,
                path.string() + ": the folder " + folder.string() + " does not exist");
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    throw Error(ErrorCode::kEnvironment,
                path.string() + ": the folder " + folder.string() +
                    " is read-only; a results database needs one that can be written");
  }
  if (fs::is_directory(path, ignored)) {
    throw Error(ErrorCode::kEnvironment, path.string() + ": is a folder, expected a database file");
  }
  SQLite::Database database = OpenFile(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  if (sqlite3_db_readonly(database.getHandle(), "main") == 1) {
    throw Error(ErrorCode::kEnvironment, path.string() + ": the file is read-only");
  }
  Migrate(database, path, SchemaSteps());
  EnterWal(database);
  Tune(database);
  return database;
}

/// A folder that cannot be written has no place for WAL's shared memory. Without a WAL file that
/// holds anything, the main file is complete and can be read as it is.
SQLite::Database OpenForReading(const fs::path& path) {
  std::error_code ignored;
  const auto wal = fs::file_size(path.string() + "-wal", ignored);
  const bool no_wal = ignored || wal == 0;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (no_wal && ::access(folder.c_str(), W_OK) != 0) {
    std::string uri = "file:";
    for (const char c : fs::absolute(path).string()) {
      if (c == '%' || c == '?' || c == '#') {
        constexpr char kHex[] = "0123456789ABCDEF";
        uri += {'%', kHex[(c >> 4) & 15], kHex[c & 15]};
      } else {
        uri += c;
      }
    }
    return OpenFile(uri + "?immutable=1", SQLite::OPEN_READONLY | SQLite::OPEN_URI);
  }
  return OpenFile(path, SQLite::OPEN_READONLY);
}

}  // namespace

double Now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Error Translate(const SQLite::Exception& exception, const fs::path& path) {
  const Explanation e = Explain(exception.getErrorCode());
  return Error(e.code, path.string() + ": " + e.text + " [SQLite: " + exception.what() + "]");
}

std::string Statement::Text(int column) const {
  const SQLite::Column value = statement_.getColumn(column);
  return std::string(value.getText(), static_cast<std::size_t>(value.getBytes()));
}

Statement Connection::Prepare(const char* sql) {
  std::unique_ptr<SQLite::Statement>& slot = statements_[sql];
  if (!slot) slot = std::make_unique<SQLite::Statement>(database_, sql);
  return Statement(*slot);
}

void Connection::Together(const std::function<void()>& work) {
  if (together_) return work();
  Write([&] {
    together_ = true;
    struct Leave {
      bool& flag;
      ~Leave() { flag = false; }
    } leave{together_};
    work();
    return 0;
  });
}

Connection Connection::Open(const fs::path& path, OpenMode mode) {
  try {
    if (mode == OpenMode::kWrite) return Connection(path, OpenForWriting(path));
    std::error_code ignored;
    if (!fs::exists(path, ignored)) {
      throw Error(ErrorCode::kInput,
                  path.string() +
                      ": no results database here; `cross4d run` makes one, --db names another");
    }
    if (fs::is_directory(path, ignored)) {
      throw Error(ErrorCode::kInput, path.string() + ": is a folder, expected a database file");
    }
    SQLite::Database database = OpenForReading(path);
    if (Inspect(database, path, SchemaSteps()) != FileKind::kCurrent) {
      OpenForWriting(path);  // migrates, and closes again
      database = OpenForReading(path);
    }
    Tune(database);
    return Connection(path, std::move(database));
  } catch (const SQLite::Exception& exception) {
    throw Translate(exception, path);
  }
}

StageState StateFromName(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(StageState::kCancelled); ++i) {
    if (StateName(static_cast<StageState>(i)) == name) return static_cast<StageState>(i);
  }
  throw Error(ErrorCode::kInternal, "unknown stage state '" + name + "' in the database");
}

}  // namespace cross4d::results
