// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensorio/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace cross4d::tensorio {

/// One tensor of a checkpoint.
struct CheckpointTensor {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::string file;  ///< that holds it, for messages
};

/// Bytes of one tensor, row-major, little-endian, not aligned. They live as long as `owner`; when
/// it goes, pages of a mapped file leave the process's memory again, so reading a checkpoint tensor
/// by tensor never holds more than one of them.
struct TensorBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

/// A model's weights as their publisher left them, whatever the container. Immutable and safe for
/// threads. Errors: Error(kInput) that names the file, and tensor or offset.
class Checkpoint {
 public:
  /// A folder with model.safetensors, or shards and model.safetensors.index.json, or else exactly
  /// one weight file; or a weight file: safetensors, or PyTorch's zip format (.pth, .pt, .bin;
  /// tensors, dictionaries and plain values only: no code of it is ever run).
  static std::shared_ptr<const Checkpoint> Open(const std::filesystem::path& path);
  virtual ~Checkpoint() = default;
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;

  const std::string& path() const { return path_; }
  /// Where config.json and the like lie.
  const std::filesystem::path& folder() const { return folder_; }
  const std::map<std::string, CheckpointTensor>& tensors() const { return tensors_; }
  std::vector<std::string> names() const;
  /// Error(kInput) when there is no such tensor.
  virtual TensorBytes Read(const std::string& name) const = 0;

  /// 16 hexadecimal digits that change with names, types, shapes, the first 4 KiB of any tensor
  /// (PyTorch's zip format: the checksum of any tensor), and with config.json and
  /// preprocessor_config.json beside it. Quick: does not read the whole file.
  std::string Fingerprint() const;
  std::uint64_t parameters() const;  ///< elements of all tensors
  std::uint64_t bytes() const;       ///< of all tensors

 protected:
  Checkpoint(const std::filesystem::path& path, const std::filesystem::path& folder)
      : path_(path.string()), folder_(folder) {}
  const CheckpointTensor& Get(const std::string& name) const;
  /// A number that changes with the content, as far as Fingerprint promises.
  virtual std::uint64_t ContentHash(const std::string& name) const;

  std::string path_;
  std::filesystem::path folder_;
  std::map<std::string, CheckpointTensor> tensors_;
};

}  // namespace cross4d::tensorio
