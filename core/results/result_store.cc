// SPDX-License-Identifier: Apache-2.0
#include "core/results/result_store.h"

#include "core/base/file.h"
#include "core/results/database.h"

#include <algorithm>
#include <system_error>

namespace cross4d::results {
namespace {

/// One text that tells two sets of values apart: fields with a separator that they cannot hold.
class Content {
 public:
  Content& Add(const std::string& field) {
    text_ += field;
    text_ += '\x1f';
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::int64_t PluginId(Connection& connection, const PluginRecord& p) {
  {
    Statement find = connection.Prepare(
        "SELECT id FROM plugins WHERE role = ? AND name = ? AND version = ? AND build_id = ? AND "
        "sha256 = ? AND file = ?");
    if (find.Bind(p.role, p.name, p.version, p.build_id, p.sha256, p.file).Next())
      return find.Int(0);
  }
  Statement insert = connection.Prepare(
      "INSERT INTO plugins (role, name, version, build_id, sha256, file) VALUES (?, ?, ?, ?, ?, "
      "?)");
  insert.Bind(p.role, p.name, p.version, p.build_id, p.sha256, p.file).Run();
  return connection.database().getLastInsertRowid();
}

}  // namespace

std::string StateName(StageState state) {
  switch (state) {
    case StageState::kPlanned:
      return "planned";
    case StageState::kRunning:
      return "running";
    case StageState::kDone:
      return "done";
    case StageState::kFailed:
      return "failed";
    case StageState::kLost:
      return "lost";
    case StageState::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

std::int64_t PluginSetId(Connection& connection, const std::vector<PluginRecord>& plugins) {
  std::vector<const PluginRecord*> sorted;
  for (const PluginRecord& p : plugins) sorted.push_back(&p);
  std::sort(
      sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->role < b->role; });
  Content content;
  for (const PluginRecord* p : sorted) {
    content.Add(p->role).Add(p->name).Add(p->version).Add(p->build_id).Add(p->sha256).Add(p->file);
  }
  {
    Statement find = connection.Prepare("SELECT id FROM plugin_sets WHERE content = ?");
    if (find.Bind(content.text()).Next()) return find.Int(0);
  }
  connection.Prepare("INSERT INTO plugin_sets (content) VALUES (?)").Bind(content.text()).Run();
  const std::int64_t set = connection.database().getLastInsertRowid();
  for (const PluginRecord* p : sorted) {
    const std::int64_t plugin = PluginId(connection, *p);
    connection.Prepare("INSERT INTO plugin_set_items (plugin_set, plugin) VALUES (?, ?)")
        .Bind(set, plugin)
        .Run();
  }
  return set;
}

std::int64_t EnvironmentId(Connection& connection, const Environment& e) {
  Content content;
  content.Add(e.git_revision).Add(e.git_dirty).Add(e.host).Add(e.cpu).Add(e.gpu).Add(e.libtorch);
  content.Add(e.cuda).Add(e.device).Add(std::to_string(e.threads)).Add(e.extra);
  {
    Statement find = connection.Prepare("SELECT id FROM environments WHERE content = ?");
    if (find.Bind(content.text()).Next()) return find.Int(0);
  }
  Statement insert = connection.Prepare(
      "INSERT INTO environments (content, git_revision, git_dirty, host, cpu, gpu, libtorch, cuda, "
      "device, threads, extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?)");
  insert
      .Bind(content.text(),
            OrNull{e.git_revision},
            OrNull{e.git_dirty},
            OrNull{e.host},
            OrNull{e.cpu},
            OrNull{e.gpu},
            OrNull{e.libtorch},
            OrNull{e.cuda},
            OrNull{e.device},
            e.threads,
            OrNull{e.extra})
      .Run();
  return connection.database().getLastInsertRowid();
}

ResultStore::ResultStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
ResultStore::ResultStore(ResultStore&&) noexcept = default;
ResultStore& ResultStore::operator=(ResultStore&&) noexcept = default;
ResultStore::~ResultStore() = default;

ResultStore ResultStore::Open(const std::filesystem::path& path, OpenMode mode) {
  return ResultStore(std::unique_ptr<State>(new State{Connection::Open(path, mode), {}}));
}

const std::filesystem::path& ResultStore::path() const { return state_->connection.path(); }

int ResultStore::SchemaVersion() const {
  Connection& connection = state_->connection;
  return connection.Guard(
      [&] { return connection.database().execAndGet("PRAGMA user_version").getInt(); });
}

void ResultStore::Together(const std::function<void()>& work) { state_->connection.Together(work); }

void ResultStore::Backup(const std::filesystem::path& to) {
  Connection& connection = state_->connection;
  std::error_code ignored;
  if (std::filesystem::exists(to, ignored)) {
    throw Error(ErrorCode::kInput, to.string() + ": exists already; a backup does not replace it");
  }
  try {
    SQLite::Statement statement(connection.database(), "VACUUM INTO ?");
    statement.bind(1, to.string());
    statement.exec();
  } catch (const SQLite::Exception& exception) {
    std::filesystem::remove(to, ignored);
    throw Translate(exception, to);
  }
  base::SyncPath(to);
}

}  // namespace cross4d::results
