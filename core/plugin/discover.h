// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/plugin_description.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::plugin {

/// A file that was found but cannot be used.
struct RefusedFile {
  std::string file;    ///< absolute path
  std::string reason;  ///< one line; for a mismatch with both values
};

struct Discovery {
  std::vector<base::PluginDescription> usable;  ///< sorted by role, then name
  std::vector<RefusedFile> refused;             ///< sorted by file

  /// The plugin, or nullptr.
  const base::PluginDescription* Find(std::string_view role, std::string_view name) const;
};

/// Where plugins are looked for, in this order: `given` (--plugin-dir), CROSS4D_PLUGIN_PATH (colons
/// between), then ../lib/cross4d/plugins seen from the running program, which is right for the
/// build folder and for an installation. Never the current directory. Empty entries are skipped;
/// the result is absolute, without repetition; folders that do not exist are left out, but a
/// `given` one that does not exist is an Error(kInput).
std::vector<std::filesystem::path> SearchFolders(const std::vector<std::string>& given);

/// All cross4d_*.so of the folders, described without loading them. Two usable files with one role
/// and name are an Error(kInput) that names both; refused ones do not count. A folder is not
/// searched below.
Discovery DiscoverIn(const std::vector<std::filesystem::path>& folders);

/// SearchFolders and DiscoverIn in one.
Discovery Discover(const std::vector<std::string>& given);

}  // namespace cross4d::plugin
