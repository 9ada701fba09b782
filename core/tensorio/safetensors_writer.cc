// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/safetensors.h"

#include <cross4d/sdk/error.h>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace cross4d::tensorio {
namespace {

[[noreturn]] void FailErrno(const std::string& what, const std::filesystem::path& path, int error) {
  const std::string why = error == ENOSPC ? "disk full" : std::strerror(error);
  throw Error(ErrorCode::kEnvironment, "cannot " + what + " " + path.string() + ": " + why);
}

[[noreturn]] void FailUse(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorCode::kInternal, path.string() + ": " + what);
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(std::filesystem::path path,
                                     std::vector<TensorDecl> tensors,
                                     std::map<std::string, std::string> metadata)
    : path_(std::move(path)), temporary_(path_.string() + ".part") {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  for (TensorDecl& decl : tensors) {
    Slot slot;
    slot.info = {std::move(decl.name), decl.dtype, std::move(decl.shape), data_bytes_, 0};
    slot.rows = slot.info.shape.empty() ? 1 : slot.info.shape[0];
    slot.row_bytes = DTypeSize(slot.info.dtype);
    for (std::size_t i = 1; i < slot.info.shape.size(); ++i) {
      slot.row_bytes *= static_cast<std::uint64_t>(slot.info.shape[i]);
    }
    data_bytes_ += slot.row_bytes * static_cast<std::uint64_t>(slot.rows);
    slot.info.end = data_bytes_;
    header[slot.info.name] = {{"dtype", DTypeName(slot.info.dtype)},
                              {"shape", slot.info.shape},
                              {"data_offsets", {slot.info.begin, slot.info.end}}};
    slots_.push_back(std::move(slot));
  }
  std::string text = header.dump();
  // Data starts at a multiple of 64 bytes, so that mapped tensors are aligned.
  text.append((64 - (8 + text.size()) % 64) % 64, ' ');
  const std::uint64_t length = text.size();
  data_begin_ = 8 + length;

  fd_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0) FailErrno("create", temporary_, errno);
  // Reserves the blocks, so that a full disk shows at once; not every file system can.
  const auto size = static_cast<off_t>(data_begin_ + data_bytes_);
  if (const int error = ::posix_fallocate(fd_, 0, size);
      error != 0 && ::ftruncate(fd_, size) != 0) {
    ::close(fd_);
    ::unlink(temporary_.c_str());
    FailErrno("reserve " + std::to_string(size) + " bytes for", temporary_, error);
  }
  std::string head(8, '\0');
  std::memcpy(head.data(), &length, 8);
  head += text;
  WriteAt(0, std::as_bytes(std::span(head)));
}

SafetensorsWriter::~SafetensorsWriter() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

const SafetensorsWriter::Slot& SafetensorsWriter::Find(std::string_view name) const {
  for (const Slot& slot : slots_) {
    if (slot.info.name == name) return slot;
  }
  FailUse(path_, "no tensor '" + std::string(name) + "' was declared");
}

void SafetensorsWriter::WriteAt(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) FailErrno("write", temporary_, n < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
}

void SafetensorsWriter::WriteRow(std::string_view name,
                                 std::int64_t row,
                                 std::span<const std::byte> bytes) {
  const Slot& slot = Find(name);
  if (row < 0 || row >= slot.rows || bytes.size() != slot.row_bytes) {
    FailUse(path_,
            "tensor '" + slot.info.name + "': row " + std::to_string(row) + " of " +
                std::to_string(bytes.size()) + " bytes, expected rows 0 to " +
                std::to_string(slot.rows - 1) + " of " + std::to_string(slot.row_bytes) + " bytes");
  }
  WriteAt(data_begin_ + slot.info.begin + static_cast<std::uint64_t>(row) * slot.row_bytes, bytes);
}

void SafetensorsWriter::Write(std::string_view name, std::span<const std::byte> bytes) {
  const Slot& slot = Find(name);
  if (bytes.size() != slot.info.end - slot.info.begin) {
    FailUse(path_,
            "tensor '" + slot.info.name + "': " + std::to_string(bytes.size()) +
                " bytes, expected " + std::to_string(slot.info.end - slot.info.begin));
  }
  WriteAt(data_begin_ + slot.info.begin, bytes);
}

void SafetensorsWriter::Finish(bool sync) {
  if (sync && ::fsync(fd_) != 0) FailErrno("sync", temporary_, errno);
  // Some file systems report a full disk only here.
  const int closed = ::close(std::exchange(fd_, -1));
  if (closed != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    FailErrno("finish", path_, error);
  }
}

}  // namespace cross4d::tensorio
