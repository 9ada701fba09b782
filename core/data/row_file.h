// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensorio/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cross4d::data {

/// A safetensors file that is written row by row and outlives a kill. Beside it stands a ledger:
/// who may continue it, and each finished row with the SHA-256 of its bytes. What is continued is
/// verified first; rows that differ from the ledger are written again. The finished file does not
/// depend on how often it was interrupted.
class RowFile {
 public:
  struct Setup {
    std::filesystem::path folder;               ///< made; holds file and ledger
    std::string name;                           ///< of the file
    std::vector<tensorio::TensorDecl> tensors;  ///< all with the same number of rows
    std::map<std::string, std::string> metadata;
    /// All that the bytes depend on; with another one, file and ledger are begun anew.
    std::string identity;
  };
  /// Called now and then with the number of rows verified; may throw.
  using Progress = std::function<void(std::int64_t rows)>;

  /// Error(kEnvironment) if another process writes this file, or when the disk is full.
  explicit RowFile(Setup setup, const Progress& progress = {});
  ~RowFile();
  RowFile(const RowFile&) = delete;
  RowFile& operator=(const RowFile&) = delete;

  std::int64_t rows() const { return static_cast<std::int64_t>(notes_.size()); }
  /// Finished in this or an earlier attempt.
  bool Has(std::int64_t row) const { return notes_.at(static_cast<std::size_t>(row)).has_value(); }
  std::int64_t finished() const;
  /// What Write was told to remember; of a finished row.
  const std::string& Note(std::int64_t row) const {
    return notes_.at(static_cast<std::size_t>(row)).value();
  }

  using Part = std::pair<std::string, std::span<const std::byte>>;
  /// All tensors of one row, in the order of their declaration. `note`: one line. Thread-safe for
  /// different rows.
  void Write(std::int64_t row, const std::vector<Part>& parts, const std::string& note = "0");
  /// Every row is there: the file appears at `target` too (same file system). The folder can then
  /// be removed, or kept to finish again.
  void Finish(const std::filesystem::path& target);

 private:
  struct Slot {
    std::string name;
    std::uint64_t offset = 0, row_bytes = 0;
  };
  void Lock();
  bool Continue(const std::string& identity, const Progress& progress);
  void Begin(const std::string& identity);
  void Map();
  std::string HeaderHash() const;
  bool Intact(std::int64_t row, const std::string& hash, const std::string& note) const;
  void Append(const std::string& line);

  Setup setup_;
  std::filesystem::path path_, ledger_path_;
  int ledger_ = -1, fd_ = -1;
  std::shared_ptr<const tensorio::SafetensorsFile> file_;
  std::uint64_t data_begin_ = 0;
  std::vector<Slot> slots_;
  std::vector<std::optional<std::string>> notes_;
  std::mutex mutex_;  ///< guards notes_ and the ledger
};

}  // namespace cross4d::data
