// SPDX-License-Identifier: Apache-2.0
#include "core/base/plugin_description.h"

#include <algorithm>

namespace cross4d::base {

bool PluginDescription::Provides(std::string_view tag) const {
  return std::find(provides.begin(), provides.end(), tag) != provides.end();
}

bool PluginDescription::Requires(std::string_view tag) const {
  return std::find(requires_tags.begin(), requires_tags.end(), tag) != requires_tags.end();
}

}  // namespace cross4d::base
