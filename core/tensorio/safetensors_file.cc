// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/safetensors.h"

#include <cross4d/sdk/error.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace cross4d::tensorio {

std::shared_ptr<const SafetensorsFile> SafetensorsFile::Open(const std::filesystem::path& path) {
  const auto fail = [&](const char* what) {
    FailInput("cannot " + std::string(what) + " " + path.string() + ": " + std::strerror(errno));
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("open");
  struct stat info {};
  void* data = nullptr;
  bool ok = ::fstat(fd, &info) == 0;
  if (ok && info.st_size > 0) {
    data = ::mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    ok = data != MAP_FAILED;
  }
  const int saved = errno;
  ::close(fd);
  errno = saved;
  if (!ok) fail("read");

  std::shared_ptr<SafetensorsFile> file(new SafetensorsFile);
  file->path_ = path.string();
  file->data_ = static_cast<const std::byte*>(data);
  file->size_ = static_cast<std::size_t>(info.st_size);
  file->layout_ = ParseSafetensors({file->data_, file->size_}, file->path_);
  return file;
}

SafetensorsFile::~SafetensorsFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

const TensorInfo* SafetensorsFile::Find(std::string_view name) const {
  for (const TensorInfo& t : layout_.tensors) {
    if (t.name == name) return &t;
  }
  return nullptr;
}

const TensorInfo& SafetensorsFile::Get(std::string_view name) const {
  if (const TensorInfo* found = Find(name)) return *found;
  std::string names;
  for (const TensorInfo& t : layout_.tensors) names += (names.empty() ? "" : ", ") + t.name;
  FailInput(path_ + ": has no tensor '" + std::string(name) + "'; it has: " + names);
}

std::span<const std::byte> SafetensorsFile::Bytes(const TensorInfo& tensor) const {
  return {data_ + layout_.data_begin + tensor.begin, tensor.end - tensor.begin};
}

}  // namespace cross4d::tensorio
