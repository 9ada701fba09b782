// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/describe.h"

#include "core/base/file.h"
#include "core/base/option_json.h"
#include "core/plugin/note.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace cross4d::plugin {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 4> kRoles = {"dataset", "teacher", "student", "objective"};

void CheckIdentity(const PluginNote& note, const std::string& file) {
  const std::string role = note.Get("role");
  const bool known = std::find(kRoles.begin(), kRoles.end(), role) != kRoles.end();
  if (!known || note.Get("id").empty() || note.Get("version").empty()) {
    throw Error(ErrorCode::kPlugin,
                file + ": its note is incomplete: role=" + role + " id=" + note.Get("id") +
                    " version=" + note.Get("version"));
  }
  if (note.build_id.empty()) {
    throw Error(ErrorCode::kPlugin, file + ": has no build-id; link it with -Wl,--build-id=sha1");
  }
}

/// The descriptor's option table, if it was made from exactly this library.
OptionSchema ReadSchema(const std::filesystem::path& file, const PluginNote& note) {
  const std::filesystem::path path = DescriptorPath(file);
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::kPlugin,
                file.string() + ": its descriptor " + path.filename().string() +
                    " is missing; run cross4d-describe on the library");
  }
  try {
    const json descriptor = json::parse(base::ReadFile(path));
    const std::string build_id = descriptor.at("build_id").get<std::string>();
    if (build_id != note.build_id) {
      throw Error(ErrorCode::kPlugin,
                  file.string() + ": its descriptor is stale: made from build-id " + build_id +
                      ", the library has " + note.build_id +
                      "; run cross4d-describe on the library");
    }
    return base::SchemaFromJson(descriptor.at("schema"));
  } catch (const json::exception& e) {
    throw Error(ErrorCode::kPlugin, path.string() + ": is no descriptor: " + e.what());
  }
}

struct Collected {
  std::vector<PluginRecord> records;
  std::optional<std::string> failure;
};

}  // namespace

std::filesystem::path DescriptorPath(const std::filesystem::path& file) {
  return std::filesystem::path(file).replace_extension(".json");
}

base::PluginDescription DescribeFile(const std::filesystem::path& file) {
  const PluginNote note = ReadNote(file);
  CheckIdentity(note, file.string());
  const std::string mismatch = BuildMismatch(note);
  if (!mismatch.empty()) throw Error(ErrorCode::kPlugin, file.string() + ": " + mismatch);
  base::PluginDescription plugin;
  plugin.role = note.Get("role");
  plugin.name = note.Get("id");
  plugin.version = note.Get("version");
  plugin.doc = note.Get("doc");
  plugin.file = std::filesystem::absolute(file).string();
  plugin.build_id = note.build_id;
  plugin.provides = note.GetList("provides");
  plugin.requires_tags = note.GetList("requires");
  plugin.options = ReadSchema(file, note);
  return plugin;
}

PluginRecord CallEntry(PluginEntry entry, const std::filesystem::path& file) {
  const auto refuse = [&file](const std::string& reason) {
    throw Error(ErrorCode::kPlugin, file.string() + ": " + reason);
  };
  if (entry == nullptr) refuse(std::string("does not export ") + kPluginEntry);
  Collected collected;
  PluginHost host;
  host.state = &collected;
  host.add = [](void* state, const PluginRecord& record) {
    static_cast<Collected*>(state)->records.push_back(record);
  };
  host.fail = [](void* state, const char* message) {
    static_cast<Collected*>(state)->failure = message;
  };
  entry(&host);
  if (collected.failure) refuse("its entry failed: " + *collected.failure);
  if (collected.records.size() != 1) {
    refuse("registers " + std::to_string(collected.records.size()) + " plugins, expected one");
  }
  const PluginRecord& record = collected.records.front();
  if (record.options == nullptr || record.create == nullptr)
    refuse("registers an incomplete record");
  return record;
}

}  // namespace cross4d::plugin
