// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace cross4d::base {

/// All of these throw Error(kEnvironment) that names path, operation and errno's text
/// ("disk full" for ENOSPC).
std::string ReadFile(const std::filesystem::path& path);
/// Writes a temporary file beside `path`, syncs it if `sync`, renames it.
void WriteFileAtomically(const std::filesystem::path& path,
                         std::string_view bytes,
                         bool sync = true);
/// Renames a finished folder into place after syncing it; false if `to` existed already (then
/// `from` is kept).
bool PublishFolder(const std::filesystem::path& from, const std::filesystem::path& to);
void MakeFolders(const std::filesystem::path& path);
/// fsync of a file or folder.
void SyncPath(const std::filesystem::path& path);
/// Absolute path of the running executable.
std::filesystem::path ExecutablePath();

}  // namespace cross4d::base
