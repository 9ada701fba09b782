// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/plugin_description.h"

#include <cross4d/sdk/option.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::config {

/// Everything that an experiment file may set. The caller fills it: `config` reads no plugin
/// itself.
struct OptionCatalog {
  std::map<std::string, OptionSchema> sections;   ///< "targets", "pretrain"
  std::map<std::string, OptionSchema> protocols;  ///< "linear-probe"
  std::vector<base::PluginDescription> plugins;

  const base::PluginDescription* FindPlugin(std::string_view role, std::string_view name) const;
  std::vector<std::string> PluginNames(std::string_view role) const;
};

/// "dataset", "teacher", "student", "objective".
const std::vector<std::string>& Roles();

}  // namespace cross4d::config
