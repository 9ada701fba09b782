// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/results/result_store.h"

#include <cross4d/sdk/error.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

/// Private to core/results: one connection with its prepared statements.
namespace cross4d::results {

/// Seconds since 1970.
double Now();

/// What SQLite said, as an Error that names the file and what to do.
Error Translate(const SQLite::Exception& exception, const std::filesystem::path& path);

/// Binds "" as NULL.
struct OrNull {
  const std::string& text;
};

/// A cached statement in use: bound from left to right, reset at the end of its scope.
class Statement {
 public:
  explicit Statement(SQLite::Statement& statement) : statement_(statement) {}
  ~Statement() {
    statement_.tryReset();
    statement_.clearBindings();
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  template <class... Values>
  Statement& Bind(const Values&... values) {
    index_ = 0;
    (BindOne(values), ...);
    return *this;
  }
  /// One more row?
  bool Next() { return statement_.executeStep(); }
  /// Runs a statement without rows; how many rows it changed. Can be bound and run again.
  int Run() {
    statement_.executeStep();
    const int changed = statement_.getChanges();
    statement_.reset();
    return changed;
  }

  void Reset() { statement_.reset(); }

  bool IsNull(int column) const { return statement_.getColumn(column).isNull(); }
  std::int64_t Int(int column) const { return statement_.getColumn(column).getInt64(); }
  double Real(int column) const { return statement_.getColumn(column).getDouble(); }
  /// NULL becomes "".
  std::string Text(int column) const;
  std::optional<double> OptionalReal(int column) const {
    if (IsNull(column)) return std::nullopt;
    return Real(column);
  }

 private:
  void BindOne(std::int64_t value) { statement_.bind(++index_, value); }
  void BindOne(int value) { statement_.bind(++index_, value); }
  void BindOne(double value) { statement_.bind(++index_, value); }
  /// The text must live until the statement is run: it is not copied.
  void BindOne(const std::string& value) { statement_.bindNoCopy(++index_, value); }
  void BindOne(const OrNull& value) {
    if (value.text.empty())
      statement_.bind(++index_);
    else
      statement_.bindNoCopy(++index_, value.text);
  }
  void BindOne(std::nullopt_t) { statement_.bind(++index_); }

  SQLite::Statement& statement_;
  int index_ = 0;
};

/// A connection and its prepared statements.
class Connection {
 public:
  /// kWrite: made, migrated, in WAL mode. kRead: read-only, of the current schema.
  static Connection Open(const std::filesystem::path& path, OpenMode mode);

  const std::filesystem::path& path() const { return path_; }
  SQLite::Database& database() { return database_; }
  /// `sql` must be a string literal: its address is the key of the cache.
  Statement Prepare(const char* sql);
  /// Calls `work`; what SQLite throws becomes an Error.
  template <class Work>
  auto Guard(Work&& work) {
    try {
      return work();
    } catch (const SQLite::Exception& exception) {
      throw Translate(exception, path_);
    }
  }
  /// Guard, inside one transaction that holds the write lock from its start: the caller's own if it
  /// is in one (Together).
  template <class Work>
  auto Write(Work&& work) {
    if (together_) return Guard(work);
    return Guard([&] {
      SQLite::Transaction transaction(database_, SQLite::TransactionBehavior::IMMEDIATE);
      auto result = work();
      transaction.commit();
      return result;
    });
  }
  /// Write without waiting for the disk: a power cut may undo it, together with all that came
  /// later.
  template <class Work>
  auto WriteRelaxed(Work&& work) {
    if (together_) return Guard(work);
    return Guard([&] {
      struct Relaxed {
        explicit Relaxed(SQLite::Database& database) : database(database) {
          database.exec("PRAGMA synchronous = NORMAL");
        }
        ~Relaxed() { database.tryExec("PRAGMA synchronous = FULL"); }
        SQLite::Database& database;
      } relaxed(database_);
      return Write(work);
    });
  }
  /// Guard; everything that `work` reads is of one moment.
  template <class Work>
  auto Read(Work&& work) {
    if (together_) return Guard(work);
    return Guard([&] {
      SQLite::Transaction snapshot(database_);
      return work();
    });
  }
  void Together(const std::function<void()>& work);
  bool together() const { return together_; }

 private:
  Connection(std::filesystem::path path, SQLite::Database database)
      : path_(std::move(path)), database_(std::move(database)) {}
  std::filesystem::path path_;
  SQLite::Database database_;
  std::unordered_map<const char*, std::unique_ptr<SQLite::Statement>> statements_;
  bool together_ = false;
};

struct ResultStore::State {
  Connection connection;
  std::unordered_map<std::int64_t, std::vector<PluginRecord>> plugin_sets;
};

/// Ids of shared rows, made when missing; to be called inside Write.
std::int64_t PluginSetId(Connection& connection, const std::vector<PluginRecord>& plugins);
std::int64_t EnvironmentId(Connection& connection, const Environment& environment);
/// Metrics that are not there yet.
void InsertMetrics(Connection& connection,
                   std::int64_t stage,
                   std::int64_t attempt,
                   const std::vector<MetricRecord>& metrics);
StageState StateFromName(const std::string& name);
/// Without a transaction of its own.
StageStatus ReadStatus(Connection& connection, const std::string& key);

}  // namespace cross4d::results
