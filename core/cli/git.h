// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace cross4d::cli {

/// The git state of a folder; both empty if it is not in a repository or git is not installed.
struct GitState {
  std::string revision;  ///< commit of HEAD
  std::string dirty;     ///< content key of the uncommitted difference; empty = clean
};
GitState ReadGitState(const std::filesystem::path& folder);

}  // namespace cross4d::cli
