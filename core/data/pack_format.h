// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensorio/safetensors.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

/// What writer and reader of packs share.
namespace cross4d::data::pack {

inline constexpr const char* kFormat = "cross4d-pack";
inline constexpr const char* kFormatVersion = "1";
inline constexpr const char* kChecksum = "checksum";
inline constexpr std::int64_t kReasonBytes = 512, kChecksumBytes = 16;

/// SHA-256 of everything that the header says, less the entry that holds it.
std::string HeaderChecksum(const std::map<std::string, std::string>& metadata,
                           const std::vector<tensorio::TensorDecl>& tensors);

/// Of one clip's bytes in all tensors but `checksum`, in the order of the file: Poly1305 under a
/// fixed key. It is compared whenever a process first reads a clip, at 6 GB/s where SHA-256 makes
/// 1.5, and is there to find damage, not to withstand an attacker.
std::array<std::byte, kChecksumBytes> ClipChecksum(
    const std::vector<std::span<const std::byte>>& parts);

}  // namespace cross4d::data::pack
