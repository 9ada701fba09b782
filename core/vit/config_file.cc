// SPDX-License-Identifier: Apache-2.0
#include "core/vit/config_file.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <sstream>
#include <utility>

namespace cross4d::vit {
namespace {

constexpr std::uintmax_t kMaxBytes = 4u << 20;
constexpr std::int64_t kMaxSize = std::int64_t{1} << 24;

std::string Shown(const nlohmann::json& value) {
  const std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 60) + "…" : text;
}

}  // namespace

ConfigFile ConfigFile::Read(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error) FailInput("cannot read " + file.string() + ": " + error.message());
  if (size > kMaxBytes) {
    FailInput(file.string() + ": is " + std::to_string(size) +
              " bytes long, a model's configuration has at most 4 MiB");
  }
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return Parse(text.str(), file.string());
}

ConfigFile ConfigFile::Parse(const std::string& text, std::string name) {
  try {
    auto json = std::make_shared<const nlohmann::json>(nlohmann::json::parse(text));
    if (!json->is_object()) FailInput(name + ": is not a JSON object");
    return ConfigFile(std::move(name), std::move(json));
  } catch (const nlohmann::json::exception& e) {
    FailInput(name + ": is not valid JSON: " + e.what());
  }
}

void ConfigFile::Fail(const std::string& key, const std::string& what) const {
  FailInput(name_ + ": " + key + " " + what);
}

bool ConfigFile::Has(const std::string& key) const {
  const auto it = json_->find(key);
  return it != json_->end() && !it->is_null();
}

bool ConfigFile::Set(const std::string& key) const {
  return Has(key) && *json_->find(key) != nlohmann::json(false);
}

const nlohmann::json& ConfigFile::Get(const std::string& key) const {
  if (!Has(key)) Fail(key, "is missing");
  return *json_->find(key);
}

ConfigFile ConfigFile::Section(const std::string& key) const {
  const nlohmann::json& value = Get(key);
  if (!value.is_object()) Fail(key, "is " + Shown(value) + ", expected an object");
  return ConfigFile(name_ + ", " + key, std::make_shared<const nlohmann::json>(value));
}

std::int64_t ConfigFile::Whole(const std::string& key,
                               std::int64_t low,
                               std::optional<std::int64_t> fallback) const {
  if (!Has(key) && fallback) return *fallback;
  const nlohmann::json& value = Get(key);
  // 4 and 4.0 are the same to the Python that wrote the file.
  const double number = value.is_number() ? value.get<double>() : NAN;
  if (!(number >= static_cast<double>(low)) || number > static_cast<double>(kMaxSize) ||
      number != std::floor(number)) {
    Fail(key,
         "is " + Shown(value) + ", expected a whole number of " + std::to_string(low) + " to " +
             std::to_string(kMaxSize));
  }
  return static_cast<std::int64_t>(number);
}

std::int64_t ConfigFile::Size(const std::string& key, std::optional<std::int64_t> fallback) const {
  return Whole(key, 1, fallback);
}

std::int64_t ConfigFile::Count(const std::string& key, std::optional<std::int64_t> fallback) const {
  return Whole(key, 0, fallback);
}

std::vector<std::int64_t> ConfigFile::SizePair(const std::string& key,
                                               std::int64_t fallback) const {
  if (!Has(key) || !Get(key).is_array()) {
    const std::int64_t side = Size(key, fallback);
    return {side, side};
  }
  std::vector<std::int64_t> sides;
  for (const double side : Reals(key, 2)) {
    if (!(side >= 1) || side > static_cast<double>(kMaxSize) || side != std::floor(side)) {
      Fail(key, "is " + Shown(Get(key)) + ", expected one or two sizes");
    }
    sides.push_back(static_cast<std::int64_t>(side));
  }
  return sides;
}

double ConfigFile::Real(const std::string& key, std::optional<double> fallback) const {
  if (!Has(key) && fallback) return *fallback;
  const nlohmann::json& value = Get(key);
  const double number = value.is_number() ? value.get<double>() : NAN;
  if (!(number >= 0) || !std::isfinite(number)) {
    Fail(key, "is " + Shown(value) + ", expected a number >= 0");
  }
  return number;
}

bool ConfigFile::Flag(const std::string& key, bool fallback) const {
  if (!Has(key)) return fallback;
  const nlohmann::json& value = Get(key);
  if (!value.is_boolean()) Fail(key, "is " + Shown(value) + ", expected true or false");
  return value.get<bool>();
}

std::string ConfigFile::Text(const std::string& key, const std::string& fallback) const {
  if (!Has(key)) return fallback;
  const nlohmann::json& value = Get(key);
  if (!value.is_string()) Fail(key, "is " + Shown(value) + ", expected a text");
  return value.get<std::string>();
}

std::vector<double> ConfigFile::Reals(const std::string& key, std::size_t count) const {
  const nlohmann::json& value = Get(key);
  std::vector<double> numbers;
  if (value.is_array()) {
    for (const nlohmann::json& n : value) {
      if (n.is_number() && std::isfinite(n.get<double>())) numbers.push_back(n.get<double>());
    }
  }
  if (numbers.size() != count || value.size() != count) {
    Fail(key, "is " + Shown(value) + ", expected a list of " + std::to_string(count) + " numbers");
  }
  return numbers;
}

}  // namespace cross4d::vit
