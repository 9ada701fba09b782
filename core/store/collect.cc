// SPDX-License-Identifier: Apache-2.0
#include "core/store/store.h"

#include <cross4d/sdk/error.h>

#include <system_error>

namespace cross4d::store {
namespace {

namespace fs = std::filesystem;

std::int64_t FolderBytes(const fs::path& folder) {
  std::int64_t bytes = 0;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(folder, error); !error && it != fs::end(it);
       it.increment(error)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored)) bytes += static_cast<std::int64_t>(it->file_size(ignored));
  }
  return bytes;
}

std::set<std::string> AllNeeded(const Store& store, const Store::NeededBy& needed) {
  std::set<std::string> keys;
  for (const fs::path& database : store.Databases()) {
    try {
      std::error_code ignored;
      if (!fs::exists(database, ignored)) throw Error(ErrorCode::kInput, "the file is gone");
      for (std::string& key : needed(database)) keys.insert(std::move(key));
    } catch (const Error& error) {
      throw Error(ErrorCode::kInput,
                  "gc removes nothing: the database " + database.string() +
                      " uses this store and cannot be read: " + error.what() +
                      ". Bring it back, or tell the store to forget it");
    }
  }
  return keys;
}

}  // namespace

std::vector<Garbage> Store::Collect(const NeededBy& needed, bool dry_run) const {
  const std::optional<StoreLock> lock = StoreLock::TryExclusive(*this);
  if (!lock) {
    throw Error(
        ErrorCode::kInput,
        root_.string() + ": a run is using this store; gc waits for no one, try again later");
  }
  const std::set<std::string> keep = AllNeeded(*this, needed);
  std::vector<Garbage> garbage;
  for (const std::string& key : Keys()) {
    if (keep.contains(key)) continue;
    garbage.push_back({key, FolderBytes(StageFolder(key))});
    if (dry_run) continue;
    std::error_code error;
    fs::remove_all(StageFolder(key), error);
    if (error) {
      throw Error(ErrorCode::kEnvironment,
                  StageFolder(key).string() + ": cannot be removed: " + error.message());
    }
  }
  return garbage;
}

}  // namespace cross4d::store
