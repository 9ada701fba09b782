// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

namespace cross4d::vit {

/// Bytes that this process may still take without pushing others out: the kernel's MemAvailable, or
/// what is left below the limits of its control groups (version 2) when that is less. `root` is the
/// file system's, another one in tests.
std::uint64_t FreeMemory(const std::filesystem::path& root = "/");

}  // namespace cross4d::vit
