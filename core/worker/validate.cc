// SPDX-License-Identifier: Apache-2.0
#include "core/protocol/reporter.h"
#include "core/protocol/stage_spec.h"
#include "core/run/stage_plugins.h"
#include "core/run/trial.h"
#include "core/worker/command.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <iostream>
#include <string>

namespace cross4d::worker {
namespace {

class Silent : public protocol::Reporter {
 public:
  void Report(const protocol::Progress&) override {}
  void Metric(std::string_view, std::int64_t, double) override {}
  void Log(std::string_view) override {}
  bool StopRequested() const override { return false; }
};

void MakePlugins(const protocol::StageSpec& spec, protocol::Reporter& reporter) {
  const run::StagePlugins plugins(spec, reporter);
  if (spec.plugins.contains("dataset")) {
    run::CheckedFingerprint(plugins.MakeDataset()->Fingerprint(), plugins.Spec("dataset"));
  }
  if (spec.plugins.contains("teacher")) {
    run::CheckedFingerprint(plugins.MakeTeacher()->Fingerprint(), plugins.Spec("teacher"));
  }
  if (spec.plugins.contains("student")) plugins.MakeStudent(1);
  if (spec.plugins.contains("objective")) plugins.MakeObjective();
}

// {} if the plugins can be made, and used together where the spec has a clip to try; {"refused":
// why} for settings that they do not take; {"fault": what} for anything else that went wrong.
nlohmann::json Answer(const std::string& line) {
  try {
    const auto spec = protocol::SpecFromJson(nlohmann::json::parse(line));
    Silent reporter;
    if (spec.options.contains(run::kTrialClip)) {
      run::TryStep(spec, reporter);
    } else {
      MakePlugins(spec, reporter);
    }
    return nlohmann::json::object();
  } catch (const Error& e) {
    return {{e.code() == ErrorCode::kInput ? "refused" : "fault", e.what()}};
  } catch (const std::exception& e) {
    return {{"fault", e.what()}};
  }
}

}  // namespace

int Validate(const std::vector<std::string>& arguments) {
  if (!arguments.empty()) FailInput("validate takes no arguments");
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << Answer(line).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
              << std::endl;
  }
  return 0;
}

}  // namespace cross4d::worker
