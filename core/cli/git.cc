// SPDX-License-Identifier: Apache-2.0
#include "core/cli/git.h"

#include "core/base/hash.h"
#include "core/base/process.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <sstream>

namespace cross4d::cli {
namespace {

std::string FindProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string file = folder + "/" + name;
    if (!folder.empty() && access(file.c_str(), X_OK) == 0) return file;
  }
  return {};
}

// What the program prints; nullopt if it fails.
std::optional<std::string> Output(std::vector<std::string> arguments) {
  base::ChildProcess::Options options;
  options.arguments = std::move(arguments);
  options.stderr_file = "/dev/null";
  base::ChildProcess child(options);
  child.CloseStdin();
  std::string text;
  std::array<char, 1 << 16> buffer;
  while (true) {
    const ssize_t size = read(child.stdout_fd(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  const base::ExitStatus status = child.Wait();
  if (status.code != 0 || status.signal != 0) return std::nullopt;
  return text;
}

}  // namespace

GitState ReadGitState(const std::filesystem::path& folder) {
  GitState state;
  const std::string git = FindProgram("git");
  if (git.empty()) return state;
  const std::string at = folder.empty() ? "." : folder.string();
  const auto revision = Output({git, "-C", at, "rev-parse", "HEAD"});
  if (!revision) return state;
  state.revision = revision->substr(0, revision->find('\n'));
  const auto difference = Output({git, "-C", at, "diff", "HEAD", "--no-ext-diff", "--binary"});
  if (difference && !difference->empty()) state.dirty = base::ContentKey(*difference);
  return state;
}

}  // namespace cross4d::cli
