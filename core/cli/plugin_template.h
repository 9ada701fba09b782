// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cross4d::cli {

/// Writes the folder of a new plugin: CMakeLists.txt, source, README.md. Returns the files. Throws
/// Error(kInput) for a name that is not kebab-case or a folder that exists.
std::vector<std::filesystem::path> WritePluginTemplate(const std::string& role,
                                                       const std::string& name,
                                                       const std::filesystem::path& folder);

}  // namespace cross4d::cli
