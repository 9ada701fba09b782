// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/process.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/temp_folder.h"

namespace cross4d::e2e {

/// What a program left behind.
struct Result {
  base::ExitStatus status;
  std::string out, err;
  double seconds = 0;

  bool Ok() const { return status.code == 0 && status.signal == 0; }
  nlohmann::json Json() const { return nlohmann::json::parse(out); }
};

/// A folder of its own with a results.db and a store, in which the real programs run.
class Place {
 public:
  Place();

  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
  /// Writes a text file and returns its path.
  std::string Write(const std::string& name, const std::string& text) const;

  /// cross4d ARGUMENTS, with --db, --store where the command takes them, and the test plugins.
  Result Run(std::vector<std::string> arguments) const;
  /// The same without waiting; ends when the object does, or see Wait().
  std::unique_ptr<base::ChildProcess> Start(std::vector<std::string> arguments,
                                            const std::string& name) const;
  /// Reads the program's output to its end and waits.
  Result Wait(base::ChildProcess& child, const std::string& name) const;

  /// `cross4d sql --json QUERY`
  nlohmann::json Sql(const std::string& query) const;
  /// Spool files of the store, by stage key, that end with a `finished` event.
  std::vector<std::string> FinishedSpools() const;
  /// `cross4d db check --files` finds nothing.
  void ExpectHealthy() const;

 private:
  std::vector<std::string> Complete(std::vector<std::string> arguments) const;

  test::TempFolder folder_;
};

/// Path of a built program.
std::string Program(const std::string& name);

/// A grid of no-op runs: `seeds` runs per learning rate, all sharing one `tokens` stage.
std::string NoopExperiment(const std::string& name, int rates, int seeds);
/// synthetic4d with point4d, sized for a second or two: none, global and dense, with a teacher.
std::string TinyExperiment(const std::string& name, int seeds);

}  // namespace cross4d::e2e
