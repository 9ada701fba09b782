// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

namespace cross4d::launch {

/// SHA-256 of plugin files, computed once per (path, size, time of change) within the process.
class FileHashes {
 public:
  /// Throws Error(kEnvironment) that names the path.
  const std::string& Sha256(const std::string& path);

 private:
  std::map<std::string, std::string> by_state_;
};

}  // namespace cross4d::launch
