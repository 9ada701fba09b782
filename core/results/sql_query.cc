// SPDX-License-Identifier: Apache-2.0
#include "core/results/database.h"

#include <sqlite3.h>

#include <charconv>

namespace cross4d::results {
namespace {

std::string Hex(const void* data, int size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (int i = 0; i < size; ++i) {
    hex += kDigits[bytes[i] >> 4];
    hex += kDigits[bytes[i] & 15];
  }
  return hex;
}

/// Shortest text that reads back to the same number; always recognisable as a real one.
std::string Real(double value) {
  char buffer[64];
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr);
  return text.find_first_of(".en") == text.npos ? text + ".0" : text;
}

SqlResult::Cell CellOf(const SQLite::Column& column) {
  using Type = SqlResult::Type;
  if (column.isNull()) return {};
  if (column.isBlob()) return {Type::kBlob, Hex(column.getBlob(), column.getBytes())};
  if (column.isFloat()) return {Type::kReal, Real(column.getDouble())};
  return {column.isInteger() ? Type::kInteger : Type::kText,
          std::string(column.getText(), static_cast<std::size_t>(column.getBytes()))};
}

struct Examination {
  bool reads_only = true;
  bool more = false;  ///< a second statement follows
};

/// A text that cannot be compiled counts as one that reads: the statement itself gives the message.
Examination Examine(sqlite3* handle, const std::string& sql) {
  Examination result;
  const char* tail = sql.c_str();
  for (int found = 0; tail && *tail;) {
    sqlite3_stmt* statement = nullptr;
    const bool compiled = sqlite3_prepare_v2(handle, tail, -1, &statement, &tail) == SQLITE_OK;
    if (statement || !compiled) {  // neither: blanks and comments
      if (++found == 2) result.more = true;
      if (statement && found == 1) result.reads_only = sqlite3_stmt_readonly(statement) != 0;
    }
    sqlite3_finalize(statement);
    if (!compiled || result.more) break;
  }
  return result;
}

Error Bad(const std::string& sql, const std::string& why) {
  return Error(ErrorCode::kInput, "sql: " + why + "\n  " + sql);
}

}  // namespace

SqlResult ResultStore::Query(const std::string& sql) {
  SQLite::Database& database = state_->connection.database();
  const Examination examination = Examine(database.getHandle(), sql);
  if (!examination.reads_only) throw Bad(sql, "only statements that read are allowed");
  if (examination.more) throw Bad(sql, "one statement at a time");
  // query_only stands beside the check of the statement: pragmas and functions may write too.
  database.exec("PRAGMA query_only = ON");
  struct Restore {
    ~Restore() { database.tryExec("PRAGMA query_only = OFF"); }
    SQLite::Database& database;
  } restore{database};
  try {
    SQLite::Statement statement(database, sql);
    SqlResult result;
    for (int i = 0; i < statement.getColumnCount(); ++i) {
      result.columns.emplace_back(statement.getColumnName(i));
    }
    if (result.columns.empty()) throw Bad(sql, "expected a statement that gives rows (SELECT …)");
    while (statement.executeStep()) {
      std::vector<SqlResult::Cell> row;
      for (int i = 0; i < statement.getColumnCount(); ++i)
        row.push_back(CellOf(statement.getColumn(i)));
      result.rows.push_back(std::move(row));
    }
    return result;
  } catch (const SQLite::Exception& exception) {
    if ((exception.getErrorCode() & 0xff) == SQLITE_ERROR) throw Bad(sql, exception.what());
    throw Translate(exception, path());
  }
}

}  // namespace cross4d::results
