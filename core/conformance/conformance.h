// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/plugin_description.h"

#include <cross4d/sdk/plugin.h>

#include <cstdint>
#include <string>
#include <vector>

/// What a plugin must keep so that runs may trust it: shapes, dtypes, determinism, gradients,
/// threads. One suite per role; `cross4d plugins check` and the tests run it on every plugin.
namespace cross4d::conformance {

struct Finding {
  enum class Result { kPassed, kFailed, kSkipped };
  Result result = Result::kPassed;
  std::string check;  ///< "two creations give one index"
  std::string text;   ///< what was found and expected; empty when passed
};

struct Report {
  std::string plugin;                ///< "student point4d 1.0.0"
  std::vector<Finding> findings;     ///< in the order in which they ran
  std::vector<std::string> figures;  ///< "preset A: 3281408 parameters"

  bool passed() const;  ///< nothing failed
  /// One line per finding and figure, then "… 17 checks: 16 passed, 0 failed, 1 skipped".
  std::string Render() const;
};

struct Settings {
  OptionValues options;  ///< given on top of the defaults (a data set's root, a teacher's weights)
  int threads = 1;
  std::int64_t clips = 8;   ///< data sets: how many clips are read
  std::int64_t frames = 4;  ///< students and objectives: size of the made-up clips
  std::int64_t points = 512;
  /// Students: the objectives whose heads are counted on it (loaded objectives of this program).
  std::vector<const PluginRecord*> objectives;
  std::int64_t target_dim = 384;  ///< d for which heads are built
};

/// Runs the suite of `record.role`. What a plugin throws is a finding, not an exception. Options
/// that are required and not given make one skipped finding that names them, and end the suite.
/// Sets torch's default generator and thread count.
Report Check(const base::PluginDescription& plugin,
             const PluginRecord& record,
             const Settings& settings);

}  // namespace cross4d::conformance
