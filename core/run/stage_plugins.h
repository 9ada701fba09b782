// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/plugin_description.h"
#include "core/protocol/reporter.h"
#include "core/protocol/stage_spec.h"

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/student.h>
#include <cross4d/sdk/teacher.h>

#include <memory>
#include <string>

namespace cross4d::run {

/// Makes the plugins of one stage; a library that differs from the plan (build-id, SHA-256,
/// version) is refused. Errors name the plugin.
class StagePlugins {
 public:
  /// Both outlive the object.
  StagePlugins(const protocol::StageSpec& spec, protocol::Reporter& reporter);

  std::unique_ptr<Dataset> MakeDataset() const;
  std::unique_ptr<Teacher> MakeTeacher() const;
  std::shared_ptr<Student> MakeStudent(int threads) const;
  std::shared_ptr<Objective> MakeObjective() const;

  const protocol::SpecPlugin& Spec(const std::string& role) const;
  const base::PluginDescription& Describe(const std::string& role) const;

 private:
  PluginContext Context(int threads) const;

  const protocol::StageSpec& spec_;
  protocol::Reporter& reporter_;
};

/// The fingerprint that a data set or teacher has here, after comparison with what an earlier stage
/// recorded: Error(kInput) that names both when they differ.
std::string CheckedFingerprint(const std::string& found, const protocol::SpecPlugin& plugin);

}  // namespace cross4d::run
