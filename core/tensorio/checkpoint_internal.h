// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensorio/checkpoint.h"
#include "core/tensorio/zip_archive.h"

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

/// The containers behind Checkpoint::Open.
namespace cross4d::tensorio {

/// `shards`: files and the names that each must hold; empty names = whatever it holds.
struct Shard {
  std::filesystem::path file;
  std::vector<std::string> names;
};
std::shared_ptr<const Checkpoint> OpenSafetensors(const std::filesystem::path& path,
                                                  const std::filesystem::path& folder,
                                                  const std::vector<Shard>& shards);

/// PyTorch's zip format; `file` is for messages.
std::shared_ptr<const Checkpoint> OpenTorchZip(std::unique_ptr<ZipArchive> zip,
                                               const std::filesystem::path& file,
                                               const std::filesystem::path& folder);

}  // namespace cross4d::tensorio
