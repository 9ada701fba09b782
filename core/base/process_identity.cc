// SPDX-License-Identifier: Apache-2.0
#include "core/base/process.h"

#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>

namespace cross4d::base {
namespace {

std::string FirstLine(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

struct Stat {
  char state = 0;
  std::int64_t start_ticks = 0;
};

/// nullopt: no such process.
std::optional<Stat> ReadStat(std::int64_t pid) {
  const std::string line = FirstLine("/proc/" + std::to_string(pid) + "/stat");
  // The name (field 2) stands in parentheses and may hold blanks and parentheses itself.
  const std::size_t end = line.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream rest(line.substr(end + 1));
  Stat stat;
  rest >> stat.state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) rest >> skipped;
  rest >> stat.start_ticks;
  if (!rest) return std::nullopt;
  return stat;
}

bool ParseNumber(const std::string& text, std::int64_t& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

}  // namespace

std::string ProcessIdentity::Format() const {
  return host + "/" + boot_id + "/" + std::to_string(pid) + "/" + std::to_string(start_ticks);
}

std::optional<ProcessIdentity> ProcessIdentity::Parse(const std::string& text) {
  std::istringstream in(text);
  ProcessIdentity p;
  std::string pid, start;
  if (!std::getline(in, p.host, '/') || !std::getline(in, p.boot_id, '/') ||
      !std::getline(in, pid, '/') || !std::getline(in, start) || !ParseNumber(pid, p.pid) ||
      !ParseNumber(start, p.start_ticks) || p.pid <= 0) {
    return std::nullopt;
  }
  return p;
}

ProcessIdentity ProcessIdentity::Self() {
  static thread_local ProcessIdentity p;
  if (p.pid == ::getpid()) return p;  // a fork is another process
  char host[256] = {};
  ::gethostname(host, sizeof(host) - 1);
  p.host = host;
  p.boot_id = FirstLine("/proc/sys/kernel/random/boot_id");
  p.pid = ::getpid();
  if (const auto stat = ReadStat(p.pid)) p.start_ticks = stat->start_ticks;
  return p;
}

Liveness CheckLiveness(const ProcessIdentity& process) {
  const ProcessIdentity self = ProcessIdentity::Self();
  if (process.host != self.host) return Liveness::kUnknown;
  if (process.boot_id != self.boot_id) return Liveness::kDead;  // the host was started again
  const auto stat = ReadStat(process.pid);
  // A zombie does no more work; its number may have been given to another process.
  if (!stat || stat->state == 'Z' || stat->state == 'X') return Liveness::kDead;
  return stat->start_ticks == process.start_ticks ? Liveness::kAlive : Liveness::kDead;
}

}  // namespace cross4d::base
