// SPDX-License-Identifier: Apache-2.0
#include "mat5.h"

#include <cross4d/sdk/error.h>

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <utility>

namespace cross4d::utd_mhad {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the reader copies little-endian numbers");

constexpr std::size_t kFileHeader = 128;
constexpr std::uint32_t kInt8 = 1, kInt32 = 5, kUint32 = 6, kMatrix = 14, kCompressed = 15;
constexpr std::uint32_t kComplexFlag = 0x0800;
constexpr std::uint32_t kMaxRank = 8, kMaxName = 4096;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 31;

std::uint32_t ReadU32(const unsigned char* p) {
  std::uint32_t v = 0;
  std::memcpy(&v, p, sizeof v);
  return v;
}

std::size_t ElementSize(MatType type) { return type == MatType::kUint16 ? 2 : 8; }

struct FileBytes {
  std::size_t file_size = 0;
  std::vector<unsigned char> bytes;  // the first ones, or all
};

FileBytes ReadFileBytes(const std::string& path, std::size_t first_bytes) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) FailInput(path + ": cannot be opened for reading");
  const std::streamoff size = file.tellg();
  if (size < 0) FailInput(path + ": is not a regular file");
  FileBytes read{static_cast<std::size_t>(size), {}};
  read.bytes.resize(std::min(read.file_size, first_bytes));
  file.seekg(0);
  if (!file.read(reinterpret_cast<char*>(read.bytes.data()),
                 static_cast<std::streamsize>(read.bytes.size()))) {
    FailInput(path + ": only part of its " + std::to_string(size) + " bytes could be read");
  }
  return read;
}

struct Tag {
  std::uint32_t type = 0, size = 0;
  bool small = false;  // the data stood in the tag itself, in `data`
  unsigned char data[4] = {};
};

}  // namespace

/// The bytes of the first element, inflated where they are compressed.
class MatArray::Source {
 public:
  Source(const std::string& name, std::vector<unsigned char> bytes, std::size_t file_size)
      : name_(name), bytes_(std::move(bytes)) {
    CheckFileHeader();
    Need(kFileHeader + 8, "the first data element's tag");
    const std::uint32_t type = ReadU32(&bytes_[kFileHeader]);
    const std::uint32_t size = ReadU32(&bytes_[kFileHeader + 4]);
    begin_ = kFileHeader + 8;
    if (type == kMatrix) {
      begin_ = kFileHeader;
      end_ = bytes_.size();
      return;
    }
    if (type != kCompressed) {
      Fail("data element of type " + std::to_string(type) +
           ", expected a matrix (14) or a compressed one (15)");
    }
    if (size > file_size - begin_) {
      Fail("the compressed element should have " + std::to_string(size) + " bytes, the file has " +
           std::to_string(file_size - begin_) + " left: it is truncated");
    }
    end_ = std::min(begin_ + size, bytes_.size());
    compressed_ = true;
    stream_.next_in = &bytes_[begin_ < bytes_.size() ? begin_ : 0];
    stream_.avail_in = static_cast<uInt>(end_ - begin_);
    if (inflateInit(&stream_) != Z_OK) throw Error(ErrorCode::kEnvironment, "zlib: no memory");
  }
  ~Source() {
    if (compressed_) inflateEnd(&stream_);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  void Read(void* target, std::size_t size, const std::string& what) {
    if (compressed_) {
      Inflate(target, size, what);
      return;
    }
    if (size > end_ - begin_) {
      Fail("the file ends in the middle of " + what + ": it is truncated");
    }
    std::memcpy(target, &bytes_[begin_], size);
    begin_ += size;
  }

  Tag ReadTag(const std::string& what) {
    unsigned char raw[8];
    Read(raw, sizeof raw, what);
    Tag tag{ReadU32(raw), ReadU32(raw + 4)};
    if (tag.type >> 16 == 0) return tag;
    tag = {tag.type & 0xffff, tag.type >> 16, true};
    if (tag.size > 4)
      Fail(what + ": a small data element of " + std::to_string(tag.size) + " bytes");
    std::memcpy(tag.data, raw + 4, 4);
    return tag;
  }

  // A whole short element; its padding to 8 bytes is skipped.
  std::vector<unsigned char> ReadElement(std::uint32_t wanted,
                                         std::uint32_t max_size,
                                         const std::string& what) {
    const Tag tag = ReadTag(what);
    if (tag.type != wanted || tag.size > max_size) {
      Fail(what + ": found a data element of type " + std::to_string(tag.type) + " and " +
           std::to_string(tag.size) + " bytes, expected type " + std::to_string(wanted) +
           " and at most " + std::to_string(max_size) + " bytes");
    }
    if (tag.small) return {tag.data, tag.data + tag.size};
    std::vector<unsigned char> data((tag.size + 7) / 8 * 8);
    Read(data.data(), data.size(), what);
    data.resize(tag.size);
    return data;
  }

  // Runs to the end of the compressed stream; zlib compares the checksum there.
  void Finish() {
    if (!compressed_) return;
    unsigned char rest[4096];
    while (!ended_) {
      stream_.next_out = rest;
      stream_.avail_out = sizeof rest;
      Step("the end of the array");
    }
  }

  [[noreturn]] void Fail(const std::string& problem) const {
    const std::size_t at = compressed_ ? end_ - stream_.avail_in : begin_;
    FailInput(name_ + ": at byte " + std::to_string(at) + ": " + problem);
  }

 private:
  void Need(std::size_t size, const std::string& what) const {
    if (bytes_.size() < size) {
      FailInput(name_ + ": at byte " + std::to_string(bytes_.size()) + ": the file ends before " +
                what + ": it is truncated");
    }
  }

  void CheckFileHeader() const {
    Need(kFileHeader, "the end of the 128-byte MAT-file header");
    if (std::memcmp(&bytes_[0], "MATLAB 7.3", 10) == 0) {
      FailInput(name_ +
                ": is a MAT-file of version 7.3 (HDF5), expected version 5; save it with -v7");
    }
    if (bytes_[126] == 'M' && bytes_[127] == 'I') {
      FailInput(name_ + ": at byte 126: big-endian MAT-file, expected a little-endian one");
    }
    if (bytes_[124] != 0 || bytes_[125] != 1 || bytes_[126] != 'I' || bytes_[127] != 'M') {
      FailInput(name_ +
                ": at byte 124: no MAT-file of version 5 (expected the bytes 00 01 'I' 'M')");
    }
  }

  void Inflate(void* target, std::size_t size, const std::string& what) {
    stream_.next_out = static_cast<Bytef*>(target);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out > 0) {
      if (ended_) Fail("the compressed data ends in the middle of " + what);
      Step(what);
    }
  }

  void Step(const std::string& what) {
    const uInt in = stream_.avail_in, out = stream_.avail_out;
    const int code = inflate(&stream_, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      ended_ = true;
    } else if (code == Z_BUF_ERROR ||
               (code == Z_OK && in == stream_.avail_in && out == stream_.avail_out)) {
      Fail("the compressed data ends in the middle of " + what + ": it is truncated");
    } else if (code != Z_OK) {
      Fail("corrupt compressed data in " + what + " (zlib: " +
           (stream_.msg != nullptr ? stream_.msg : "error " + std::to_string(code)) + ")");
    }
  }

  std::string name_;
  std::vector<unsigned char> bytes_;
  std::size_t begin_ = 0, end_ = 0;
  bool compressed_ = false, ended_ = false;
  z_stream stream_{};
};

MatArray::MatArray(const std::string& path, MatType type, std::size_t first_bytes) : name_(path) {
  FileBytes file = ReadFileBytes(path, first_bytes);
  source_ = std::make_unique<Source>(name_, std::move(file.bytes), file.file_size);
  ReadHeader(type);
}

MatArray::MatArray(std::string name, std::vector<unsigned char> bytes, MatType type)
    : name_(std::move(name)) {
  const std::size_t size = bytes.size();
  source_ = std::make_unique<Source>(name_, std::move(bytes), size);
  ReadHeader(type);
}

MatArray::~MatArray() = default;

void MatArray::ReadHeader(MatType type) {
  const Tag matrix = source_->ReadTag("the matrix element's tag");
  if (matrix.type != kMatrix || matrix.small) {
    Fail("data element of type " + std::to_string(matrix.type) + ", expected a matrix (14)");
  }
  const auto flags = source_->ReadElement(kUint32, 8, "the array flags");
  if (flags.size() != 8) {
    Fail("array flags of " + std::to_string(flags.size()) + " bytes, expected 8");
  }
  if (ReadU32(flags.data()) & kComplexFlag) Fail("complex numbers, expected real ones");
  const std::int64_t elements = ReadDims();
  source_->ReadElement(kInt8, kMaxName, "the array's name");
  const Tag data = source_->ReadTag("the array's data tag");
  if (data.type != static_cast<std::uint32_t>(type)) {
    Fail("array data of type " + std::to_string(data.type) + ", expected " +
         (type == MatType::kUint16 ? "4 (16-bit unsigned)" : "9 (double)"));
  }
  left_ = static_cast<std::uint64_t>(elements) * ElementSize(type);
  if (data.small || data.size != left_) {
    Fail("array data of " + std::to_string(data.size) + " bytes, expected " +
         std::to_string(left_) + " for " + DimsText());
  }
}

std::int64_t MatArray::ReadDims() {
  const auto dims = source_->ReadElement(kInt32, 4 * kMaxRank, "the array's dimensions");
  if (dims.size() < 8 || dims.size() % 4 != 0) {
    Fail("dimensions of " + std::to_string(dims.size()) +
         " bytes, expected two or more 4-byte numbers");
  }
  std::int64_t elements = 1;
  for (std::size_t i = 0; i < dims.size(); i += 4) {
    const auto n = static_cast<std::int32_t>(ReadU32(&dims[i]));
    dims_.push_back(n);
    if (n <= 0 || n > kMaxElements / elements) {
      Fail("array of " + DimsText() + " elements, expected 1 to 2^31");
    }
    elements *= n;
  }
  return elements;
}

std::string MatArray::DimsText() const {
  std::string text;
  for (const std::int64_t n : dims_) {
    text += (text.empty() ? "" : " x ") + std::to_string(n);
  }
  return text;
}

void MatArray::Read(void* target, std::size_t size, const std::string& what) {
  if (size > left_) Fail(what + " lies beyond the end of the array (" + DimsText() + ")");
  source_->Read(target, size, what);
  left_ -= size;
}

void MatArray::Finish() { source_->Finish(); }

void MatArray::Fail(const std::string& problem) const { source_->Fail(problem); }

}  // namespace cross4d::utd_mhad
