// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::hoi4d {

/// Ids 0 to 48 of the 4D segmentation; those that no table names are called "unused 6", ….
std::vector<std::string> SemanticNames();
/// Ids 0 to 18 of the action segmentation, whose names were not published with the data.
std::vector<std::string> ActionNames();
/// The 16 object categories, in the order of their numbers (C1 … C20, with gaps).
std::vector<std::string> CategoryNames();

/// What the path of a sequence says: ZY…/H4/C8/N14/S71/s03/T2.
struct PathFacts {
  std::int64_t category = -1;  ///< index into CategoryNames()
  std::int64_t subject = -1;   ///< 4 for H4
  std::string object;          ///< "C8/N14"; the whole path if it has no such parts
};
PathFacts ParsePath(std::string_view path);

}  // namespace cross4d::hoi4d
