// SPDX-License-Identifier: Apache-2.0
#include "core/vit/memory.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>

namespace cross4d::vit {
namespace {

namespace fs = std::filesystem;

// When the kernel says nothing: few clips at once, which is only slower.
constexpr std::uint64_t kUnknown = std::uint64_t{2} << 30;

// The number after `word` in a file of lines "WORD NUMBER …".
std::optional<std::uint64_t> Entry(const fs::path& file, const std::string& word) {
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    std::uint64_t number = 0;
    if (line.starts_with(word + " ") &&
        std::sscanf(line.c_str() + word.size(), "%lu", &number) == 1) {
      return number;
    }
  }
  return {};
}

std::optional<std::uint64_t> Number(const fs::path& file) {
  std::ifstream in(file);
  std::uint64_t number = 0;
  if (in >> number) return number;
  return {};  // "max": no limit
}

// What a control group has left. Its file cache can be given up, and counts as free.
std::optional<std::uint64_t> LeftIn(const fs::path& group) {
  const auto limit = Number(group / "memory.max"), used = Number(group / "memory.current");
  if (!limit || !used) return {};
  const std::uint64_t cache = Entry(group / "memory.stat", "inactive_file").value_or(0);
  const std::uint64_t held = *used - std::min(*used, cache);
  return *limit - std::min(*limit, held);
}

// This process's group below /sys/fs/cgroup, "0::/user.slice/…" in version 2.
std::string OwnGroup(const fs::path& root) {
  std::ifstream in(root / "proc/self/cgroup");
  std::string line;
  while (std::getline(in, line)) {
    if (line.starts_with("0::/")) return line.substr(4);
  }
  return {};
}

}  // namespace

std::uint64_t FreeMemory(const fs::path& root) {
  const auto available = Entry(root / "proc/meminfo", "MemAvailable:");
  std::uint64_t free = available ? *available * 1024 : kUnknown;
  const fs::path top = root / "sys/fs/cgroup";
  for (fs::path group = OwnGroup(root);; group = group.parent_path()) {
    if (const auto left = LeftIn(top / group)) free = std::min(free, *left);
    if (group.empty()) return free;
  }
}

}  // namespace cross4d::vit
