// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::plugin {

/// What a plugin file says of itself, read from its ELF notes without loading it.
struct PluginNote {
  std::map<std::string, std::string> fields;  ///< "role" -> "teacher"; see <cross4d/sdk/note.h>
  std::string build_id;                       ///< GNU build-id, hex; empty = the file has none

  /// The field's value, or "".
  std::string Get(std::string_view key) const;
  /// A comma-separated field as a list.
  std::vector<std::string> GetList(std::string_view key) const;
};

/// Throws Error(kPlugin) when the file is no 64-bit little-endian ELF library of this processor, is
/// cut short, or carries no Cross4D note. Every offset is checked against the file's size: the
/// bytes are foreign.
PluginNote ReadNote(const std::filesystem::path& file);
/// The same for bytes in memory; `name` stands in messages.
PluginNote ParseNote(std::string_view bytes, const std::string& name);

/// The build text of this program as fields: sdk, compiler, cxx11abi, cxx, libtorch, cuda,
/// sanitizer.
const std::map<std::string, std::string>& HostBuild();

/// Empty, or why this program cannot load a library with that note, on one line with both values:
/// "libtorch: the plugin has 2.10.0, this program has 2.11.0; build the plugin again".
/// Every field must be the same, except that a plugin of an older minor SDK version fits, and that
/// cuda=none on either side fits (it then uses none of it).
std::string BuildMismatch(const PluginNote& note);

}  // namespace cross4d::plugin
