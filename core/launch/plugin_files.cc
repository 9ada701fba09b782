// SPDX-License-Identifier: Apache-2.0
#include "core/launch/plugin_files.h"

#include "core/base/hash.h"

#include <cross4d/sdk/error.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace cross4d::launch {

const std::string& FileHashes::Sha256(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    throw Error(ErrorCode::kEnvironment, fmt::format("{}: {}", path, std::strerror(errno)));
  }
  const std::string state =
      fmt::format("{}\n{}\n{}.{}", path, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
  auto found = by_state_.find(state);
  if (found == by_state_.end()) found = by_state_.emplace(state, base::Sha256File(path)).first;
  return found->second;
}

}  // namespace cross4d::launch
