// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::store {

struct ManifestFile {
  std::string name;  ///< path inside the artifact, with '/'
  std::int64_t bytes = 0;
  std::string sha256;
};

/// artifact/manifest.json: what the artifact consists of.
struct Manifest {
  std::vector<ManifestFile> files;  ///< sorted by name, without manifest.json itself
  std::int64_t bytes = 0;           ///< sum over the files
  std::string hash;                 ///< SHA-256 of manifest.json's bytes: the artifact's hash
};

/// Lists and hashes every file below `folder`, writes folder/manifest.json. The bytes depend on
/// names and contents only. kEnvironment names the path.
Manifest WriteManifest(const std::filesystem::path& folder);
/// Of an artifact folder. kInput if it is missing or not a manifest.
Manifest ReadManifest(const std::filesystem::path& folder);
/// What differs between the manifest and the files: missing, extra, unreadable, other size, other
/// hash; also a manifest that is none, or whose hash is none of `recorded` (unless that is empty).
/// Empty = intact.
std::vector<std::string> VerifyArtifact(const std::filesystem::path& folder,
                                        const std::set<std::string>& recorded = {});

struct PublishResult {
  Manifest manifest;  ///< of what lies at the artifact's place now
  bool published =
      true;  ///< false: an artifact was there already; it stays, the work folder is removed
};

struct WorkFolder {
  std::string key;
  std::int64_t attempt = 0;
  std::string writer;
  std::filesystem::path folder;
};

struct Garbage {
  std::string key;
  std::filesystem::path path;  ///< the stage's folder, or one entry of it
  std::int64_t bytes = 0;
  std::string why;
};

/// The content store: <root>/stages/<first 2 hex digits>/<key>/ with
///   events.<attempt>.<writer>.jsonl  the spools
///   work.<attempt>.<writer>/         being written
///   artifact/                        published by rename, with manifest.json
///   checkpoint/                      kept between attempts
/// Safe to use from several processes; holds no state but the root.
class Store {
 public:
  /// Makes no folders yet.
  explicit Store(std::filesystem::path root);

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path StageFolder(std::string_view key) const;
  std::filesystem::path Artifact(std::string_view key) const;
  std::filesystem::path Checkpoint(std::string_view key) const;
  std::filesystem::path Work(std::string_view key,
                             std::int64_t attempt,
                             std::string_view writer) const;
  std::filesystem::path Spool(std::string_view key,
                              std::int64_t attempt,
                              std::string_view writer) const;

  /// A manifest lies at the artifact's place: one stat call, nothing is verified.
  bool HasArtifact(std::string_view key) const;
  /// Removes the artifact and the checkpoint of a stage that is to be computed again (--redo).
  void RemoveArtifact(std::string_view key) const;

  /// Names this database in <root>/databases, so that gc keeps what it needs. Idempotent.
  void RegisterDatabase(const std::filesystem::path& database) const;
  /// Absolute paths, sorted.
  std::vector<std::filesystem::path> Databases() const;
  /// gc no longer asks this database.
  void ForgetDatabase(const std::filesystem::path& database) const;

  /// The file that makes `database` a registered one: without it, gc no longer asks.
  std::filesystem::path Registration(const std::filesystem::path& database) const;

  /// Size of all files below a stage's folder.
  std::int64_t StageBytes(std::string_view key) const;
  /// Keys of all stage folders, sorted.
  std::vector<std::string> Keys() const;
  std::vector<WorkFolder> WorkFolders() const;
  /// Removes work folders of this stage except that of `keep_writer`: right after a claim, all
  /// others belong to attempts that are over. Returns how many.
  int RemoveLeftWork(std::string_view key, std::string_view keep_writer = {}) const;

  /// Stage keys that a registered database still needs; throws if the database cannot be opened.
  using NeededBy = std::function<std::vector<std::string>(const std::filesystem::path& database)>;
  /// What no registered database needs, and what ended attempts left in the folders of the other
  /// stages; removed unless `dry_run`. Throws kInput and removes nothing when no database is
  /// registered, when one is missing or cannot be read, or when a `run` uses the store.
  std::vector<Garbage> Collect(const NeededBy& needed, bool dry_run) const;

 private:
  std::filesystem::path root_;
};

/// Writes the manifest into `work`, syncs it and renames it to `artifact`.
PublishResult Publish(const std::filesystem::path& work, const std::filesystem::path& artifact);

/// Held while a process uses a store: any number of users, or one gc. Released by the destructor.
class StoreLock {
 public:
  /// `run`: waits while a gc is at work. Makes the store's folder.
  static StoreLock Share(const Store& store);
  /// gc: nullopt when a `run` uses the store.
  static std::optional<StoreLock> TryExclusive(const Store& store);
  StoreLock(StoreLock&& other) noexcept;
  StoreLock& operator=(StoreLock&&) = delete;
  ~StoreLock();

 private:
  explicit StoreLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace cross4d::store
