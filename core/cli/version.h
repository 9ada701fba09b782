// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace cross4d::cli {

/// "cross4d 1.0.0 (sdk 1.0, gcc-12)".
std::string VersionText();

}  // namespace cross4d::cli
