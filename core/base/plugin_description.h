// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/option.h>

#include <string>
#include <vector>

namespace cross4d::base {

/// What the orchestrator knows of one usable plugin: from its note and descriptor, without loading
/// it.
struct PluginDescription {
  std::string role;  ///< dataset | teacher | student | objective
  std::string name;
  std::string version;
  std::string doc;
  std::string file;      ///< absolute path of the .so
  std::string build_id;  ///< GNU build-id, hex
  std::vector<std::string> provides, requires_tags;
  OptionSchema options;

  bool Provides(std::string_view tag) const;
  bool Requires(std::string_view tag) const;
};

}  // namespace cross4d::base
