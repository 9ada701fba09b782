// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/zip_archive.h"

#include <cross4d/sdk/error.h>

#include <zip.h>

#include <utility>

namespace cross4d::tensorio {
namespace {

// Deflate packs at most 1032 to 1; a little more for tiny members.
constexpr std::uint64_t kMaxRatio = 1040, kSlack = 4096;

std::string ErrorText(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

}  // namespace

std::unique_ptr<ZipArchive> ZipArchive::Open(const std::filesystem::path& path) {
  std::unique_ptr<ZipArchive> archive(new ZipArchive(path.string()));
  int code = 0;
  archive->zip_ = zip_open(path.c_str(), ZIP_RDONLY, &code);
  if (archive->zip_ == nullptr) {
    FailInput("cannot read " + path.string() + " as a zip file: " + ErrorText(code));
  }
  archive->ListMembers();
  return archive;
}

std::unique_ptr<ZipArchive> ZipArchive::FromBytes(std::span<const std::byte> bytes,
                                                  std::string name) {
  std::unique_ptr<ZipArchive> archive(new ZipArchive(std::move(name)));
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), /*freep=*/0, &error);
  if (source != nullptr) {
    archive->zip_ = zip_open_from_source(source, ZIP_RDONLY, &error);
    if (archive->zip_ == nullptr) zip_source_free(source);
  }
  const std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  if (archive->zip_ == nullptr) {
    FailInput("cannot read " + archive->name_ + " as a zip file: " + text);
  }
  archive->ListMembers();
  return archive;
}

ZipArchive::~ZipArchive() {
  if (zip_ != nullptr) zip_discard(zip_);
}

void ZipArchive::Fail(std::size_t member, const std::string& what) const {
  FailInput(name_ + ", member '" + members_.at(member).name + "': " + what);
}

void ZipArchive::ListMembers() {
  const zip_int64_t count = zip_get_num_entries(zip_, 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t info;
    if (zip_stat_index(zip_, static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW, &info) != 0 ||
        (info.valid & ZIP_STAT_NAME) == 0 || (info.valid & ZIP_STAT_SIZE) == 0) {
      FailInput(name_ + ": member " + std::to_string(i) + " has no name or size");
    }
    members_.push_back({info.name, info.size, (info.valid & ZIP_STAT_CRC) != 0 ? info.crc : 0});
  }
}

std::optional<std::size_t> ZipArchive::Find(const std::string& name) const {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].name == name) return i;
  }
  return {};
}

std::vector<std::byte> ZipArchive::Read(std::size_t member, std::uint64_t limit) const {
  const std::lock_guard lock(mutex_);
  zip_stat_t info;
  if (zip_stat_index(zip_, member, 0, &info) != 0 || (info.valid & ZIP_STAT_COMP_SIZE) == 0) {
    Fail(member, "cannot be read");
  }
  if (info.size > limit) {
    Fail(member,
         "has " + std::to_string(info.size) + " bytes, at most " + std::to_string(limit) +
             " are expected here");
  }
  if (info.size / kMaxRatio > info.comp_size + kSlack) {
    Fail(member,
         "claims " + std::to_string(info.size) + " bytes, more than its " +
             std::to_string(info.comp_size) + " packed bytes can hold");
  }
  zip_file_t* file = zip_fopen_index(zip_, member, 0);
  if (file == nullptr) Fail(member, std::string("cannot be opened: ") + zip_strerror(zip_));
  std::vector<std::byte> bytes(info.size);
  std::uint64_t at = 0;
  std::string error;
  while (error.empty()) {
    // One byte more than expected, so that the end is reached and the checksum compared.
    std::byte rest{};
    const bool full = at == bytes.size();
    const zip_int64_t n =
        full ? zip_fread(file, &rest, 1) : zip_fread(file, bytes.data() + at, bytes.size() - at);
    if (n < 0) error = std::string("is damaged: ") + zip_file_strerror(file);
    if (n == 0 && !full) error = "ends after " + std::to_string(at) + " bytes";
    if (n > 0 && full) error = "is longer than the file's directory says";
    if (n == 0 && full) break;
    at += static_cast<std::uint64_t>(n > 0 ? n : 0);
  }
  zip_fclose(file);
  if (!error.empty()) Fail(member, error);
  return bytes;
}

std::vector<std::byte> ZipArchive::ReadStart(std::size_t member, std::size_t count) const {
  const std::lock_guard lock(mutex_);
  zip_file_t* file = zip_fopen_index(zip_, member, 0);
  if (file == nullptr) Fail(member, std::string("cannot be opened: ") + zip_strerror(zip_));
  std::vector<std::byte> bytes(count);
  std::size_t at = 0;
  zip_int64_t n = 1;
  while (n > 0 && at < count) {
    n = zip_fread(file, bytes.data() + at, count - at);
    at += static_cast<std::size_t>(n > 0 ? n : 0);
  }
  const std::string error = n < 0 ? zip_file_strerror(file) : "";
  zip_fclose(file);
  if (!error.empty()) Fail(member, "is damaged: " + error);
  bytes.resize(at);
  return bytes;
}

}  // namespace cross4d::tensorio
