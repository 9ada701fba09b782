// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cloud.h"

namespace cross4d::point_folder {

/// Unpacks LZF, as PCD's binary_compressed has it, to exactly `size` bytes. Error(kInput) with the
/// offset in `packed` where it does not fit.
std::vector<unsigned char> UnpackLzf(Bytes packed, std::size_t size, const std::string& name);

}  // namespace cross4d::point_folder
