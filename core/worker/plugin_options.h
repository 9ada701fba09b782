// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/plugin_description.h"

#include <cross4d/sdk/option.h>

#include <string>
#include <vector>

namespace cross4d::worker {

/// What the commands on a single plugin take: NAME [--set KEY=VALUE]… [--plugin-dir DIR]…
/// [--threads N].
struct PluginRequest {
  std::string name;  ///< of the plugin, or path of its .so
  std::vector<std::string> settings, plugin_dirs;
  int threads = 0;  ///< 0 = all cores
};

/// The plugin of that role. Error(kInput) with the nearest known name.
base::PluginDescription FindPlugin(const std::string& role, const PluginRequest& request);

/// KEY=VALUE texts as values of the schema's types; lists with commas between. Error(kInput).
OptionValues ParseSettings(const OptionSchema& schema, const std::vector<std::string>& settings);

/// The request's threads, or the number of cores.
int ThreadCount(const PluginRequest& request);

}  // namespace cross4d::worker
