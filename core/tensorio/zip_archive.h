// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

struct zip;

namespace cross4d::tensorio {

/// A zip file, read member by member (stored or deflated; CRC checked). Safe for threads.
/// Errors: Error(kInput) that names file and member.
class ZipArchive {
 public:
  struct Member {
    std::string name;
    std::uint64_t bytes = 0;  ///< after unpacking, as the central directory says
    std::uint32_t crc = 0;
  };

  static std::unique_ptr<ZipArchive> Open(const std::filesystem::path& path);
  /// `bytes` must outlive the object; `name` is for messages.
  static std::unique_ptr<ZipArchive> FromBytes(std::span<const std::byte> bytes, std::string name);
  ~ZipArchive();
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  const std::string& name() const { return name_; }
  const std::vector<Member>& members() const { return members_; }
  std::optional<std::size_t> Find(const std::string& name) const;
  /// The whole member. Refused before anything is allocated when it claims more than `limit` bytes,
  /// or more than its packed bytes can hold.
  std::vector<std::byte> Read(std::size_t member, std::uint64_t limit) const;
  /// The first `count` bytes of a member, all of a shorter one. Nothing behind them is unpacked, so
  /// the checksum is not compared.
  std::vector<std::byte> ReadStart(std::size_t member, std::size_t count) const;

 private:
  explicit ZipArchive(std::string name) : name_(std::move(name)) {}
  void ListMembers();
  [[noreturn]] void Fail(std::size_t member, const std::string& what) const;

  std::string name_;
  ::zip* zip_ = nullptr;
  std::vector<Member> members_;
  mutable std::mutex mutex_;  // libzip's handles are not safe for threads
};

}  // namespace cross4d::tensorio
