// SPDX-License-Identifier: Apache-2.0
#include "core/store/store.h"

#include "core/base/file.h"
#include "core/base/hash.h"

#include <cross4d/sdk/error.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>
#include <utility>

namespace cross4d::store {
namespace {

namespace fs = std::filesystem;

/// Names of the entries of a folder, sorted; none if the folder is missing.
std::vector<std::string> Names(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto it = fs::directory_iterator(folder, error); !error && it != fs::end(it);
       it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    throw Error(ErrorCode::kEnvironment,
                folder.string() + ": cannot list the folder: " + error.message());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void Remove(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) {
    throw Error(ErrorCode::kEnvironment, path.string() + ": cannot be removed: " + error.message());
  }
}

std::string Numbered(const char* what, std::int64_t attempt, std::string_view writer) {
  return std::string(what) + "." + std::to_string(attempt) + "." + std::string(writer);
}

/// "work.<attempt>.<writer>"; false for any other name.
bool ParseWork(const std::string& name, WorkFolder& work) {
  constexpr std::string_view kPrefix = "work.";
  if (name.rfind(kPrefix, 0) != 0) return false;
  const char* begin = name.data() + kPrefix.size();
  const char* end = name.data() + name.size();
  const auto number = std::from_chars(begin, end, work.attempt);
  if (number.ec != std::errc() || number.ptr == end || *number.ptr != '.') return false;
  work.writer.assign(number.ptr + 1, end);
  return !work.writer.empty();
}

int OpenLock(const Store& store) {
  base::MakeFolders(store.root());
  const fs::path path = store.root() / "lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) {
    throw Error(ErrorCode::kEnvironment,
                path.string() + ": cannot be opened: " + std::strerror(errno));
  }
  return fd;
}

}  // namespace

Store::Store(fs::path root) : root_(fs::absolute(root).lexically_normal()) {}

fs::path Store::StageFolder(std::string_view key) const {
  if (key.size() < 3 || key.find_first_not_of("0123456789abcdef") != key.npos) {
    throw Error(ErrorCode::kInternal, "'" + std::string(key) + "' is not a stage key (hex digits)");
  }
  return root_ / "stages" / key.substr(0, 2) / key;
}

fs::path Store::Artifact(std::string_view key) const { return StageFolder(key) / "artifact"; }
fs::path Store::Checkpoint(std::string_view key) const { return StageFolder(key) / "checkpoint"; }

fs::path Store::Work(std::string_view key, std::int64_t attempt, std::string_view writer) const {
  return StageFolder(key) / Numbered("work", attempt, writer);
}

fs::path Store::Spool(std::string_view key, std::int64_t attempt, std::string_view writer) const {
  return StageFolder(key) / (Numbered("events", attempt, writer) + ".jsonl");
}

bool Store::HasArtifact(std::string_view key) const {
  struct stat info {};
  return ::stat((Artifact(key) / "manifest.json").c_str(), &info) == 0;
}

void Store::RemoveArtifact(std::string_view key) const {
  // Renamed first: a reader sees a whole artifact or none.
  const fs::path artifact = Artifact(key);
  const fs::path doomed = StageFolder(key) / Numbered("removed", ::getpid(), "artifact");
  std::error_code error;
  fs::rename(artifact, doomed, error);
  if (error && error != std::errc::no_such_file_or_directory) {
    throw Error(ErrorCode::kEnvironment,
                artifact.string() + ": cannot be removed: " + error.message());
  }
  Remove(doomed);
  Remove(Checkpoint(key));
}

fs::path Store::Registration(const fs::path& database) const {
  return root_ / "databases" / base::ContentKey(fs::absolute(database).lexically_normal().string());
}

void Store::RegisterDatabase(const fs::path& database) const {
  const fs::path file = Registration(database);
  std::error_code ignored;
  if (fs::exists(file, ignored)) return;
  base::MakeFolders(file.parent_path());
  base::WriteFileAtomically(file, fs::absolute(database).lexically_normal().string());
}

std::vector<fs::path> Store::Databases() const {
  std::vector<fs::path> databases;
  for (const std::string& name : Names(root_ / "databases")) {
    if (name.find(".tmp.") != name.npos) continue;
    databases.emplace_back(base::ReadFile(root_ / "databases" / name));
  }
  std::sort(databases.begin(), databases.end());
  return databases;
}

void Store::ForgetDatabase(const fs::path& database) const { Remove(Registration(database)); }

std::vector<std::string> Store::Keys() const {
  std::vector<std::string> keys;
  for (const std::string& prefix : Names(root_ / "stages")) {
    for (std::string& key : Names(root_ / "stages" / prefix)) {
      if (key.rfind(prefix, 0) == 0) keys.push_back(std::move(key));
    }
  }
  return keys;
}

std::vector<WorkFolder> Store::WorkFolders() const {
  std::vector<WorkFolder> folders;
  for (const std::string& key : Keys()) {
    for (const std::string& name : Names(StageFolder(key))) {
      WorkFolder work;
      if (!ParseWork(name, work)) continue;
      work.key = key;
      work.folder = StageFolder(key) / name;
      folders.push_back(std::move(work));
    }
  }
  return folders;
}

int Store::RemoveLeftWork(std::string_view key, std::string_view keep_writer) const {
  int removed = 0;
  for (const std::string& name : Names(StageFolder(key))) {
    WorkFolder work;
    const bool left = ParseWork(name, work) && (keep_writer.empty() || work.writer != keep_writer);
    if (!left && name.rfind("removed.", 0) != 0) continue;
    Remove(StageFolder(key) / name);
    ++removed;
  }
  return removed;
}

StoreLock StoreLock::Share(const Store& store) {
  const int fd = OpenLock(store);
  while (::flock(fd, LOCK_SH) != 0) {
    if (errno == EINTR) continue;
    const int error = errno;
    ::close(fd);
    throw Error(ErrorCode::kEnvironment,
                store.root().string() + ": cannot be locked: " + std::strerror(error));
  }
  return StoreLock(fd);
}

std::optional<StoreLock> StoreLock::TryExclusive(const Store& store) {
  const int fd = OpenLock(store);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return StoreLock(fd);
  const int error = errno;
  ::close(fd);
  if (error == EWOULDBLOCK) return std::nullopt;
  throw Error(ErrorCode::kEnvironment,
              store.root().string() + ": cannot be locked: " + std::strerror(error));
}

StoreLock::StoreLock(StoreLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

StoreLock::~StoreLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace cross4d::store
