// SPDX-License-Identifier: Apache-2.0
#include "core/store/store.h"

#include <cross4d/sdk/error.h>

#include <system_error>

namespace cross4d::store {
namespace {

namespace fs = std::filesystem;

std::int64_t BytesBelow(const fs::path& folder) {
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
  const std::vector<fs::path> databases = store.Databases();
  if (databases.empty()) {
    throw Error(ErrorCode::kInput,
                "gc removes nothing: no database is registered with " + store.root().string() +
                    ", so nothing says what is needed; remove the folder itself if you need none "
                    "of it");
  }
  std::set<std::string> keys;
  for (const fs::path& database : databases) {
    try {
      std::error_code ignored;
      if (!fs::exists(database, ignored)) throw Error(ErrorCode::kInput, "the file is gone");
      for (std::string& key : needed(database)) keys.insert(std::move(key));
    } catch (const Error& error) {
      throw Error(ErrorCode::kInput,
                  "gc removes nothing: the database " + database.string() +
                      " uses this store and cannot be read: " + error.what() +
                      ". Bring it back, or let the store forget it: remove " +
                      store.Registration(database).string());
    }
  }
  return keys;
}

// What a stage that is needed can do without; no run uses the store.
void AddLeftovers(const Store& store, const std::string& key, std::vector<Garbage>& garbage) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(store.StageFolder(key), error)) {
    const std::string name = entry.path().filename().string();
    const bool left = name.starts_with("work.") || name.starts_with("removed.");
    const bool used = name == "checkpoint" && store.HasArtifact(key);
    if (!left && !used) continue;
    garbage.push_back(
        {key,
         entry.path(),
         BytesBelow(entry.path()),
         left ? "left by an attempt that has ended" : "checkpoint of a finished stage"});
  }
}

}  // namespace

std::int64_t Store::StageBytes(std::string_view key) const { return BytesBelow(StageFolder(key)); }

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
    if (keep.contains(key)) {
      AddLeftovers(*this, key, garbage);
    } else {
      garbage.push_back({key, StageFolder(key), StageBytes(key), "no recorded run needs it"});
    }
  }
  if (dry_run) return garbage;
  for (const Garbage& item : garbage) {
    std::error_code error;
    fs::remove_all(item.path, error);
    if (error) {
      throw Error(ErrorCode::kEnvironment,
                  item.path.string() + ": cannot be removed: " + error.message());
    }
  }
  return garbage;
}

}  // namespace cross4d::store
