// SPDX-License-Identifier: Apache-2.0
#include "core/launch/machine.h"

#include "core/base/process.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace cross4d::launch {
namespace {

// "model name\t: AMD EPYC" -> "AMD EPYC"
std::string After(const std::string& line) {
  const std::size_t colon = line.find(':');
  const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
  return colon == std::string::npos || begin == std::string::npos ? "" : line.substr(begin);
}

void ReadCpu(Machine& machine) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) machine.cpu = After(line);
    if (!line.starts_with("flags")) continue;
    std::istringstream flags(After(line));
    for (std::string flag; flags >> flag;) {
      machine.fast_bf16 |= flag == "avx512_bf16" || flag == "amx_bf16";
    }
    return;
  }
}

void ReadGpus(Machine& machine) {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", none)) {
    std::ifstream file(entry.path() / "information");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("Model:")) machine.gpus.push_back(After(line));
    }
  }
  std::sort(machine.gpus.begin(), machine.gpus.end());
}

}  // namespace

Machine ReadMachine() {
  Machine machine;
  machine.host = base::ProcessIdentity::Self().host;
  ReadCpu(machine);
  ReadGpus(machine);
  return machine;
}

}  // namespace cross4d::launch
