// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace cross4d::worker {

/// One subcommand of cross4d-worker. `arguments` are those after its name. Returns the exit code: 0
/// ok, 1 failed, 2 bad input, 3 environment, 130 interrupted. Throws Error.
struct Command {
  const char* name;
  const char* usage;
  int (*run)(const std::vector<std::string>& arguments);
};

int Serve(const std::vector<std::string>& arguments);
int RunSpec(const std::vector<std::string>& arguments);
int Validate(const std::vector<std::string>& arguments);
int TeacherCommand(const std::vector<std::string>& arguments);
int Check(const std::vector<std::string>& arguments);
int DataCommand(const std::vector<std::string>& arguments);

}  // namespace cross4d::worker
