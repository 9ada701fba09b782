// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/checkpoint_internal.h"

#include <cross4d/sdk/error.h>

#include <sys/mman.h>
#include <unistd.h>

namespace cross4d::tensorio {
namespace {

// Takes the whole pages inside `bytes` out of the process's memory; they come back when read.
void DropPages(std::span<const std::byte> bytes) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t first = (begin + page - 1) / page * page;
  const std::uintptr_t last = (begin + bytes.size()) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

class SafetensorsCheckpoint : public Checkpoint {
 public:
  SafetensorsCheckpoint(const std::filesystem::path& path,
                        const std::filesystem::path& folder,
                        const std::vector<Shard>& shards)
      : Checkpoint(path, folder) {
    for (const Shard& shard : shards) Add(shard);
  }

  TensorBytes Read(const std::string& name) const override {
    Get(name);
    const Place& place = places_.at(name);
    const std::span<const std::byte> bytes = place.file->Bytes(*place.info);
    return {bytes,
            std::shared_ptr<const void>(
                bytes.data(), [file = place.file, bytes](const void*) { DropPages(bytes); })};
  }

 private:
  struct Place {
    std::shared_ptr<const SafetensorsFile> file;
    const TensorInfo* info = nullptr;
  };

  void Add(const Shard& shard) {
    if (!std::filesystem::exists(shard.file)) {
      FailInput(path_ + ": the index names " + shard.file.filename().string() +
                ", which is not there; is the download complete?");
    }
    const auto file = SafetensorsFile::Open(shard.file);
    if (shard.names.empty()) {
      for (const TensorInfo& info : file->tensors()) Add(file, info);
      return;
    }
    std::map<std::string, const TensorInfo*> held;
    for (const TensorInfo& info : file->tensors()) held.emplace(info.name, &info);
    for (const std::string& name : shard.names) {
      const auto it = held.find(name);
      if (it == held.end()) {
        FailInput(file->path() + ": has no tensor '" + name +
                  "', which the index of its folder places there");
      }
      Add(file, *it->second);
    }
  }

  void Add(const std::shared_ptr<const SafetensorsFile>& file, const TensorInfo& info) {
    tensors_[info.name] = {info.dtype, info.shape, file->path()};
    places_[info.name] = {file, &info};
  }

  std::map<std::string, Place> places_;
};

}  // namespace

std::shared_ptr<const Checkpoint> OpenSafetensors(const std::filesystem::path& path,
                                                  const std::filesystem::path& folder,
                                                  const std::vector<Shard>& shards) {
  return std::make_shared<SafetensorsCheckpoint>(path, folder, shards);
}

}  // namespace cross4d::tensorio
