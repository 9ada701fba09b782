// SPDX-License-Identifier: Apache-2.0
#include "core/protocol/stage_spec.h"

#include "core/base/option_json.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <array>
#include <filesystem>
#include <utility>

namespace cross4d::protocol {
namespace {

using nlohmann::json;

[[noreturn]] void Bad(const std::string& what) {
  throw Error(ErrorCode::kInput, "stage spec: " + what);
}

// A value with JSON's own types: whole numbers are int, an empty list is a list of int.
OptionValue ValueFromJson(const std::string& name, const json& j) {
  if (j.is_boolean()) return j.get<bool>();
  if (j.is_number_integer()) return j.get<std::int64_t>();
  if (j.is_number()) return j.get<double>();
  if (j.is_string()) return j.get<std::string>();
  if (!j.is_array()) Bad("option '" + name + "' is neither a number, a text nor a list");
  bool numbers = true, whole = true, texts = true;
  for (const json& item : j) {
    numbers &= item.is_number();
    whole &= item.is_number_integer();
    texts &= item.is_string();
  }
  if (whole) return j.get<std::vector<std::int64_t>>();
  if (numbers) return j.get<std::vector<double>>();
  if (texts) return j.get<std::vector<std::string>>();
  Bad("option '" + name + "' is a list of mixed types");
}

OptionValues ValuesFromJson(const json& j) {
  if (!j.is_object()) Bad("options are not an object");
  OptionValues values;
  for (const auto& [name, value] : j.items()) values.emplace(name, ValueFromJson(name, value));
  return values;
}

json PluginToJson(const SpecPlugin& p) {
  return {{"name", p.name},
          {"version", p.version},
          {"file", p.file},
          {"build_id", p.build_id},
          {"sha256", p.sha256},
          {"options", base::ToJson(p.options)},
          {"fingerprint", p.fingerprint},
          {"fingerprint_location", p.fingerprint_location}};
}

SpecPlugin PluginFromJson(const json& j) {
  SpecPlugin p;
  j.at("name").get_to(p.name);
  j.at("version").get_to(p.version);
  j.at("file").get_to(p.file);
  p.build_id = j.value("build_id", "");
  p.sha256 = j.value("sha256", "");
  p.options = ValuesFromJson(j.at("options"));
  p.fingerprint = j.value("fingerprint", "");
  p.fingerprint_location = j.value("fingerprint_location", "");
  return p;
}

std::string In(const std::string& folder, const std::string& name) {
  return (std::filesystem::path(folder) / name).string();
}

}  // namespace

std::string StageSpec::Spool() const {
  return In(folder, "events." + std::to_string(attempt) + "." + writer + ".jsonl");
}
std::string StageSpec::Work() const {
  return In(folder, "work." + std::to_string(attempt) + "." + writer);
}
std::string StageSpec::Artifact() const { return In(folder, "artifact"); }
std::string StageSpec::Checkpoint() const { return In(folder, "checkpoint"); }

json ToJson(const StageSpec& s) {
  json plugins = json::object(), options = json::object();
  for (const auto& [role, plugin] : s.plugins) plugins[role] = PluginToJson(plugin);
  for (const auto& [section, values] : s.options) options[section] = base::ToJson(values);
  return {{"format", s.format},
          {"key", s.key},
          {"kind", s.kind},
          {"folder", s.folder},
          {"attempt", s.attempt},
          {"writer", s.writer},
          {"seed", s.seed},
          {"threads", s.threads},
          {"device", s.device},
          {"plugins", plugins},
          {"options", options},
          {"protocol", s.protocol},
          {"inputs", s.inputs},
          {"label", s.label}};
}

StageSpec SpecFromJson(const json& j) {
  try {
    StageSpec s;
    s.format = j.at("format").get<int>();
    if (s.format != 1) {
      Bad("format " + std::to_string(s.format) +
          ", this worker reads format 1; use the worker that " +
          "belongs to the cross4d that planned the stage");
    }
    j.at("key").get_to(s.key);
    j.at("kind").get_to(s.kind);
    j.at("folder").get_to(s.folder);
    j.at("attempt").get_to(s.attempt);
    j.at("writer").get_to(s.writer);
    s.seed = j.value("seed", std::int64_t{0});
    s.threads = j.value("threads", 1);
    s.device = j.value("device", "cpu");
    if (j.contains("plugins")) {
      for (const auto& [role, p] : j.at("plugins").items())
        s.plugins.emplace(role, PluginFromJson(p));
    }
    if (j.contains("options")) {
      for (const auto& [section, values] : j.at("options").items()) {
        s.options.emplace(section, ValuesFromJson(values));
      }
    }
    s.protocol = j.value("protocol", "");
    if (j.contains("inputs")) j.at("inputs").get_to(s.inputs);
    s.label = j.value("label", "");
    return s;
  } catch (const json::exception& e) {
    Bad(e.what());
  }
}

int StageVersion(const std::string& kind) {
  static constexpr std::array<std::pair<const char*, int>, 6> kVersions = {{
      {kTokens, 1},
      {kFeatures, 1},
      {kTargets, 2},
      {kEncoder, 1},
      {kEmbeddings, 1},
      {kEvaluation, 1},
  }};
  for (const auto& [name, version] : kVersions) {
    if (kind == name) return version;
  }
  throw Error(ErrorCode::kInternal, "no stage of kind '" + kind + "'");
}

}  // namespace cross4d::protocol
