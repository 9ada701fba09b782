// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The safetensors format: 8 bytes little-endian header length, a JSON header, then the tensors'
/// bytes. Free of LibTorch; torch_view.h makes tensors of it.
namespace cross4d::tensorio {

enum class DType { kBool, kU8, kI16, kI32, kI64, kF16, kBF16, kF32, kF64 };
std::size_t DTypeSize(DType dtype);       ///< bytes per element
std::string_view DTypeName(DType dtype);  ///< "BOOL", "U8", "I16", …: as in the file

/// One tensor of a file. Row-major (C order), little-endian.
struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;   ///< empty = scalar
  std::uint64_t begin = 0, end = 0;  ///< bytes, from the start of the data section

  std::int64_t elements() const;
};

/// What a header says, checked: see ParseSafetensors.
struct SafetensorsLayout {
  std::vector<TensorInfo> tensors;  ///< in the order of their offsets
  std::map<std::string, std::string> metadata;
  std::uint64_t data_begin = 0;  ///< offset of the data section in the file
};

/// Reads and checks the header of a whole file's bytes before anything is trusted: header length
/// within the file, JSON well formed, names once, dtype known, shape x dtype = extent, extents
/// without overlap or gap and ending at the file's end. `name` is for messages. Error(kInput) with
/// offset and tensor.
SafetensorsLayout ParseSafetensors(std::span<const std::byte> file, const std::string& name);

/// A memory-mapped file. Immutable, safe for threads; spans live as long as the object.
class SafetensorsFile {
 public:
  /// Error(kInput): missing, unreadable or damaged file.
  static std::shared_ptr<const SafetensorsFile> Open(const std::filesystem::path& path);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::string& path() const { return path_; }
  const std::vector<TensorInfo>& tensors() const { return layout_.tensors; }
  const std::map<std::string, std::string>& metadata() const { return layout_.metadata; }
  /// nullptr if there is none.
  const TensorInfo* Find(std::string_view name) const;
  /// Error(kInput) that lists the names in the file.
  const TensorInfo& Get(std::string_view name) const;
  std::span<const std::byte> Bytes(const TensorInfo& tensor) const;

 private:
  SafetensorsFile() = default;

  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  SafetensorsLayout layout_;
};

/// What a file will hold; the writer lays the tensors out in this order.
struct TensorDecl {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
};

/// Writes a file whose size is known from the start, row by row in any order and from several
/// threads, so that nothing is held twice. Until Finish() the file stands under a temporary name
/// beside `path`; the destructor removes it. Error(kEnvironment): "disk full", permission, …
class SafetensorsWriter {
 public:
  SafetensorsWriter(std::filesystem::path path,
                    std::vector<TensorDecl> tensors,
                    std::map<std::string, std::string> metadata = {});
  ~SafetensorsWriter();
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

  /// Bytes of `row` (index in the first dimension) of tensor `name`. Thread-safe for different
  /// rows.
  void WriteRow(std::string_view name, std::int64_t row, std::span<const std::byte> bytes);
  /// A whole tensor.
  void Write(std::string_view name, std::span<const std::byte> bytes);
  /// Every row has been written: flushes, renames to `path`. With `sync` the bytes are on the disk.
  void Finish(bool sync = false);

 private:
  struct Slot {
    TensorInfo info;
    std::int64_t rows = 0;
    std::uint64_t row_bytes = 0;
  };
  const Slot& Find(std::string_view name) const;
  void WriteAt(std::uint64_t offset, std::span<const std::byte> bytes);

  std::filesystem::path path_, temporary_;
  std::vector<Slot> slots_;
  std::uint64_t data_begin_ = 0, data_bytes_ = 0;
  int fd_ = -1;
};

}  // namespace cross4d::tensorio
