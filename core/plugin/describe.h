// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/plugin_description.h"

#include <cross4d/sdk/plugin.h>

#include <filesystem>
#include <string>

namespace cross4d::plugin {

/// The descriptor that cross4d-describe writes after linking: the .so's path with .json for its
/// suffix.
std::filesystem::path DescriptorPath(const std::filesystem::path& file);

/// Note + descriptor of one plugin file, without loading it. Throws Error(kPlugin) with the reason
/// for refusal: no note, another build (both values), no descriptor, a descriptor of another
/// build-id.
base::PluginDescription DescribeFile(const std::filesystem::path& file);

/// Calls a loaded library's entry and returns the one plugin it registers. Throws Error(kPlugin)
/// that names `file` when there is no entry, when the entry fails, or registers none or several.
PluginRecord CallEntry(PluginEntry entry, const std::filesystem::path& file);

}  // namespace cross4d::plugin
