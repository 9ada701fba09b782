// SPDX-License-Identifier: Apache-2.0
#include "core/worker/command.h"

#include <cross4d/sdk/error.h>

#include <malloc.h>

#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

using cross4d::ErrorCode;
using namespace cross4d::worker;

constexpr std::array kCommands = {
    Command{"serve", "serve: one stage spec (JSON) per line in, events out", Serve},
    Command{"run-spec", "run-spec FILE: one stage, for debugging", RunSpec},
    Command{"validate",
            "validate: makes the plugins of the specs on standard input, compares fingerprints",
            Validate},
    Command{"check",
            "check NAME|FILE [--set KEY=VALUE]... [--plugin-dir DIR]: the conformance suite",
            Check},
    Command{"teacher",
            "teacher encode|check --plugin NAME [--weights DIR] [--dtype D] [--threads N] "
            "[--device D] [--set KEY=VALUE]... [--plugin-dir DIR]; encode: --input FILE --output "
            "FILE",
            TeacherCommand},
    Command{
        "data",
        "data inspect|pack|preview [DIR] --dataset NAME [--set KEY=VALUE]... [--threads N] "
        "[--plugin-dir DIR]; inspect: [--clips N | --all] [--json]; pack: --output FILE; preview: "
        "--clip ID --output FOLDER",
        DataCommand},
};

int Usage(std::FILE* to) {
  std::fputs("usage: cross4d-worker COMMAND …\n", to);
  for (const Command& command : kCommands) std::fprintf(to, "  %s\n", command.usage);
  return to == stdout ? 0 : 2;
}

int ExitCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInput:
      return 2;
    case ErrorCode::kEnvironment:
      return 3;
    case ErrorCode::kCancelled:
      return 130;
    default:
      return 1;
  }
}

// A training step frees and asks for the same large blocks again and again: keep them instead of
// giving their pages back to the system and having them cleared anew.
void KeepFreedMemory() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
}

}  // namespace

int main(int argc, char** argv) {
  KeepFreedMemory();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) return Usage(stderr);
  if (arguments[0] == "--help" || arguments[0] == "-h") return Usage(stdout);
  for (const Command& command : kCommands) {
    if (arguments[0] != command.name) continue;
    try {
      return command.run({arguments.begin() + 1, arguments.end()});
    } catch (const cross4d::Error& e) {
      std::fprintf(stderr, "cross4d-worker: %s\n", e.what());
      return ExitCode(e.code());
    } catch (const std::exception& e) {
      std::fprintf(stderr, "cross4d-worker: %s\n", e.what());
      return 1;
    }
  }
  std::fprintf(stderr, "cross4d-worker: no command '%s'\n", arguments[0].c_str());
  return Usage(stderr);
}
