// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace cross4d::cli {

/// Rows with aligned columns, two spaces between; the last column is not padded. An empty `heading`
/// is left out.
std::string TextTable(const std::vector<std::string>& heading,
                      const std::vector<std::vector<std::string>>& rows);

}  // namespace cross4d::cli
