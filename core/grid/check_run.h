// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/diagnostics.h"
#include "core/config/experiment.h"
#include "core/grid/stages.h"

#include <set>
#include <string>

namespace cross4d::grid {

/// Checks what only a combination shows, and reports each finding once, however many runs share it.
class RunChecker {
 public:
  RunChecker(const config::Experiment& experiment, base::Diagnostics& diagnostics)
      : experiment_(experiment), diagnostics_(diagnostics) {}

  /// False if the combination cannot run; the reasons are in the diagnostics then.
  bool Usable(const RunParts& parts);

  void Error(const base::SourceLocation& where, const std::string& message);
  void Warn(const base::SourceLocation& where, const std::string& message);
  bool HasErrors() const { return diagnostics_.HasErrors(); }

 private:
  bool IsNew(const base::SourceLocation& where, const std::string& message);
  bool Check(const Part& part, const std::string& role);
  bool CheckTeacher(const RunParts& parts);
  bool CheckFit(const RunParts& parts);

  const config::Experiment& experiment_;
  base::Diagnostics& diagnostics_;
  std::set<std::string> seen_;
};

}  // namespace cross4d::grid
