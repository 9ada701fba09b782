// SPDX-License-Identifier: Apache-2.0
#include "core/data/row_file.h"

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
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>

namespace cross4d::data {
namespace {

namespace fs = std::filesystem;

// A process that was killed may take a moment to be gone.
constexpr auto kLockWait = std::chrono::seconds(5);
constexpr std::size_t kHashLength = 64;

[[noreturn]] void FailErrno(const std::string& what, const fs::path& path, int error) {
  const std::string why =
      error == ENOSPC || error == EDQUOT ? "disk full" : std::string(std::strerror(error));
  throw Error(ErrorCode::kEnvironment, path.string() + ": cannot " + what + ": " + why);
}

void WriteAt(int fd, std::uint64_t offset, std::span<const std::byte> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) FailErrno("write", path, n < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
}

struct LedgerLine {
  std::int64_t row = 0;
  std::string hash, note;
};

// "<row> <hash> <note>"; nullopt for what a kill or a crash of the machine left.
std::optional<LedgerLine> ParseLine(std::string_view text) {
  LedgerLine line;
  const auto number = std::from_chars(text.data(), text.data() + text.size(), line.row);
  const auto used = static_cast<std::size_t>(number.ptr - text.data());
  if (number.ec != std::errc() || text.size() < used + kHashLength + 3) return std::nullopt;
  if (text[used] != ' ' || text[used + kHashLength + 1] != ' ') return std::nullopt;
  line.hash = text.substr(used + 1, kHashLength);
  line.note = text.substr(used + kHashLength + 2);
  return line;
}

std::string IdentityHash(const RowFile::Setup& setup) {
  std::string text = setup.identity + "\n";
  for (const tensorio::TensorDecl& decl : setup.tensors) {
    text += decl.name + " " + std::string(tensorio::DTypeName(decl.dtype));
    for (const std::int64_t side : decl.shape) text += " " + std::to_string(side);
    text += "\n";
  }
  for (const auto& [key, value] : setup.metadata) text += key + "=" + value + "\n";
  return base::Sha256Hex(text);
}

}  // namespace

RowFile::RowFile(Setup setup, const Progress& progress) : setup_(std::move(setup)) {
  base::MakeFolders(setup_.folder);
  path_ = setup_.folder / setup_.name;
  ledger_path_ = setup_.folder / (setup_.name + ".rows");
  const std::string identity = IdentityHash(setup_);
  try {
    Lock();
    if (!Continue(identity, progress)) Begin(identity);
  } catch (...) {
    if (fd_ >= 0) ::close(fd_);
    if (ledger_ >= 0) ::close(ledger_);
    throw;
  }
}

RowFile::~RowFile() {
  ::close(fd_);
  ::close(ledger_);
}

std::int64_t RowFile::finished() const {
  return std::count_if(notes_.begin(), notes_.end(), [](const auto& n) { return n.has_value(); });
}

void RowFile::Lock() {
  ledger_ = ::open(ledger_path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (ledger_ < 0) FailErrno("open", ledger_path_, errno);
  const auto start = std::chrono::steady_clock::now();
  while (::flock(ledger_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) FailErrno("lock", ledger_path_, errno);
    if (std::chrono::steady_clock::now() - start > kLockWait) {
      throw Error(
          ErrorCode::kEnvironment,
          ledger_path_.string() + ": another process is writing this file; end it, then run again");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

// Opens the file, whose header is trusted after the ledger's hash of it was compared.
void RowFile::Map() {
  file_ = tensorio::SafetensorsFile::Open(path_);
  fd_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
  if (fd_ < 0) FailErrno("open", path_, errno);
  struct stat info {};
  if (::fstat(fd_, &info) != 0) FailErrno("read", path_, errno);
  const auto& tensors = file_->tensors();
  data_begin_ =
      static_cast<std::uint64_t>(info.st_size) - (tensors.empty() ? 0 : tensors.back().end);
  slots_.clear();
  for (const tensorio::TensorDecl& decl : setup_.tensors) {
    const tensorio::TensorInfo& tensor = file_->Get(decl.name);
    const auto rows = static_cast<std::uint64_t>(decl.shape.at(0));
    slots_.push_back({decl.name,
                      data_begin_ + tensor.begin,
                      rows == 0 ? 0 : (tensor.end - tensor.begin) / rows});
  }
  notes_.assign(static_cast<std::size_t>(setup_.tensors.at(0).shape.at(0)), std::nullopt);
}

std::string RowFile::HeaderHash() const {
  std::string header(data_begin_, '\0');
  const ssize_t n = ::pread(fd_, header.data(), header.size(), 0);
  if (n < 0) FailErrno("read", path_, errno);
  return base::Sha256Hex(header);
}

bool RowFile::Continue(const std::string& identity, const Progress& progress) {
  const std::string ledger = base::ReadFile(ledger_path_);
  const std::size_t first = ledger.find('\n');
  if (first == ledger.npos || !ledger.starts_with(identity + " ") || !fs::exists(path_)) {
    return false;
  }
  try {
    Map();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInput) return false;
    throw;
  }
  if (ledger.substr(0, first) != identity + " " + HeaderHash()) return false;

  std::vector<std::optional<LedgerLine>> lines(notes_.size());
  std::size_t end = first + 1;
  for (std::size_t next; (next = ledger.find('\n', end)) != ledger.npos; end = next + 1) {
    auto line = ParseLine(std::string_view(ledger).substr(end, next - end));
    if (!line || line->row < 0 || line->row >= rows()) break;
    lines[static_cast<std::size_t>(line->row)] = std::move(line);
  }
  if (::ftruncate(ledger_, static_cast<off_t>(end)) != 0) FailErrno("cut", ledger_path_, errno);
  std::int64_t verified = 0;
  for (const auto& line : lines) {
    if (!line) continue;
    if (Intact(line->row, line->hash, line->note)) {
      notes_[static_cast<std::size_t>(line->row)] = line->note;
    }
    if (progress) progress(++verified);
  }
  return true;
}

void RowFile::Begin(const std::string& identity) {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  if (::ftruncate(ledger_, 0) != 0) FailErrno("empty", ledger_path_, errno);
  // A new file, never the old one overwritten: an artifact may be linked to that.
  tensorio::SafetensorsWriter(path_, setup_.tensors, setup_.metadata).Finish();
  Map();
  Append(identity + " " + HeaderHash() + "\n");
}

bool RowFile::Intact(std::int64_t row, const std::string& hash, const std::string& note) const {
  base::Sha256 sum;
  for (const Slot& slot : slots_) {
    const auto bytes = file_->Bytes(file_->Get(slot.name));
    sum.Update(bytes.data() + static_cast<std::uint64_t>(row) * slot.row_bytes, slot.row_bytes);
  }
  sum.Update(note.data(), note.size());
  return sum.Finish() == hash;
}

void RowFile::Write(std::int64_t row, const std::vector<Part>& parts, const std::string& note) {
  if (row < 0 || row >= rows() || parts.size() != slots_.size()) {
    throw Error(ErrorCode::kInternal, path_.string() + ": no such row, or not all of its tensors");
  }
  base::Sha256 sum;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto& [name, bytes] = parts[i];
    const Slot& slot = slots_[i];
    if (name != slot.name || bytes.size() != slot.row_bytes) {
      throw Error(ErrorCode::kInternal,
                  path_.string() + ": tensor '" + name + "' of " + std::to_string(bytes.size()) +
                      " bytes, expected '" + slot.name + "' of " + std::to_string(slot.row_bytes));
    }
    WriteAt(fd_, slot.offset + static_cast<std::uint64_t>(row) * slot.row_bytes, bytes, path_);
    sum.Update(bytes.data(), bytes.size());
  }
  sum.Update(note.data(), note.size());
  const std::string line = std::to_string(row) + " " + sum.Finish() + " " + note + "\n";
  const std::scoped_lock lock(mutex_);
  Append(line);
  notes_[static_cast<std::size_t>(row)] = note;
}

void RowFile::Append(const std::string& line) {
  const ssize_t n = ::write(ledger_, line.data(), line.size());
  if (n != static_cast<ssize_t>(line.size())) {
    FailErrno("write", ledger_path_, n < 0 ? errno : ENOSPC);
  }
}

void RowFile::Finish(const fs::path& target) {
  if (finished() != rows()) {
    throw Error(ErrorCode::kInternal,
                path_.string() + ": " + std::to_string(finished()) + " of " +
                    std::to_string(rows()) + " rows are finished");
  }
  if (::link(path_.c_str(), target.c_str()) == 0) return;
  // Not every file system has links.
  if (::rename(path_.c_str(), target.c_str()) != 0) FailErrno("finish", target, errno);
}

}  // namespace cross4d::data
