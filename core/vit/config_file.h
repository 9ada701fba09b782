// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cross4d::vit {

/// A model's config.json, read with checks. Every failure is an Error(kInput) that names file, key,
/// what was found and what was expected.
class ConfigFile {
 public:
  /// Error(kInput): missing, larger than 4 MiB, or not a JSON object.
  static ConfigFile Read(const std::filesystem::path& file);
  static ConfigFile Parse(const std::string& text, std::string name);

  const std::string& name() const { return name_; }
  /// Present and not null.
  bool Has(const std::string& key) const;
  /// Present and neither null nor false.
  bool Set(const std::string& key) const;
  /// The object under `key`.
  ConfigFile Section(const std::string& key) const;

  /// A whole number of 1 to 2^24. Without `fallback` the key must be there.
  std::int64_t Size(const std::string& key, std::optional<std::int64_t> fallback = {}) const;
  /// As Size, but 0 is allowed.
  std::int64_t Count(const std::string& key, std::optional<std::int64_t> fallback = {}) const;
  /// One size or a list of two: {height, width}.
  std::vector<std::int64_t> SizePair(const std::string& key, std::int64_t fallback) const;
  /// A finite number >= 0.
  double Real(const std::string& key, std::optional<double> fallback = {}) const;
  bool Flag(const std::string& key, bool fallback) const;
  std::string Text(const std::string& key, const std::string& fallback) const;
  /// Exactly `count` numbers.
  std::vector<double> Reals(const std::string& key, std::size_t count) const;

  [[noreturn]] void Fail(const std::string& key, const std::string& what) const;

 private:
  ConfigFile(std::string name, std::shared_ptr<const nlohmann::json> json)
      : name_(std::move(name)), json_(std::move(json)) {}
  const nlohmann::json& Get(const std::string& key) const;
  std::int64_t Whole(const std::string& key,
                     std::int64_t low,
                     std::optional<std::int64_t> fallback) const;

  std::string name_;
  std::shared_ptr<const nlohmann::json> json_;
};

}  // namespace cross4d::vit
