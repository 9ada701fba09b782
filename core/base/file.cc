// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.h"

#include <cross4d/sdk/error.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace cross4d::base {
namespace {

namespace fs = std::filesystem;

std::string ErrnoText(int error) {
  if (error == ENOSPC || error == EDQUOT) return "disk full";
  return std::strerror(error);
}

[[noreturn]] void Fail(const std::string& operation, const fs::path& path, int error) {
  throw Error(ErrorCode::kEnvironment,
              path.string() + ": cannot " + operation + ": " + ErrnoText(error));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int Close() { return ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

void WriteAll(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) Fail("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

fs::path TemporaryName(const fs::path& path) {
  static std::atomic<unsigned> counter{0};
  return path.string() + ".tmp." + std::to_string(::getpid()) + "." + std::to_string(counter++);
}

}  // namespace

std::string ReadFile(const fs::path& path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) Fail("open", path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) Fail("read", path, errno);
  std::string bytes;
  // The size is only a hint: files of /proc say 0.
  bytes.resize(info.st_size > 0 ? static_cast<std::size_t>(info.st_size) + 1 : 4096);
  std::size_t used = 0;
  for (;;) {
    if (used == bytes.size()) bytes.resize(bytes.size() * 2);
    const ssize_t n = ::read(fd.get(), bytes.data() + used, bytes.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) Fail("read", path, errno);
    if (n == 0) break;
    used += static_cast<std::size_t>(n);
  }
  bytes.resize(used);
  return bytes;
}

void WriteFileAtomically(const fs::path& path, std::string_view bytes, bool sync) {
  const fs::path temporary = TemporaryName(path);
  try {
    Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (fd.get() < 0) Fail("create", temporary, errno);
    WriteAll(fd.get(), bytes, temporary);
    if (sync && ::fsync(fd.get()) != 0) Fail("sync", temporary, errno);
    if (fd.Close() != 0) Fail("write", temporary, errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0) Fail("rename into place", path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  if (sync) SyncPath(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

bool PublishFolder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(from, error); !error && it != fs::end(it);
       it.increment(error)) {
    if (it->is_regular_file()) SyncPath(it->path());
  }
  if (error) Fail("list", from, error.value());
  // RENAME_NOREPLACE: plain rename would replace an empty folder.
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
    const int first = errno;
    if (first == EEXIST || first == ENOTEMPTY) return false;
    if (first != EINVAL && first != ENOSYS) Fail("rename into place", to, first);
    // A file system without that flag: rename fails by itself unless `to` is empty.
    if (fs::exists(to, error)) return false;
    if (::rename(from.c_str(), to.c_str()) != 0) {
      if (errno == EEXIST || errno == ENOTEMPTY) return false;
      Fail("rename into place", to, errno);
    }
  }
  // The fsync of a new file has made its entry durable too (ext4, XFS, btrfs), so this one sync is
  // left: that of the rename.
  if (to.has_parent_path()) SyncPath(to.parent_path());
  return true;
}

void MakeFolders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) Fail("make folder", path, error.value());
}

void SyncPath(const fs::path& path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) Fail("open", path, errno);
  // Some file systems cannot sync a folder; their rename is as durable as they make it.
  if (::fsync(fd.get()) != 0 && errno != EINVAL && errno != EROFS) Fail("sync", path, errno);
}

fs::path ExecutablePath() {
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/self/exe", error);
  if (error) Fail("read", "/proc/self/exe", error.value());
  return path;
}

}  // namespace cross4d::base
