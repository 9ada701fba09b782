// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/load.h"

#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/error.h>
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/student.h>
#include <cross4d/sdk/teacher.h>

#include <string>

namespace cross4d::plugin {
namespace {

template <class Role>
std::unique_ptr<Role> Create(const char* role,
                             const PluginRecord& record,
                             const OptionValues& options,
                             const PluginContext& context) {
  const std::string who = record.role + " " + record.name;
  if (record.role != role) {
    throw Error(ErrorCode::kInternal, "the plugin " + who + " is used as a " + role);
  }
  try {
    std::unique_ptr<Role> object(static_cast<Role*>(record.create(options, context)));
    if (object == nullptr) throw Error(ErrorCode::kPlugin, "its create function returned nothing");
    return object;
  } catch (const Error& e) {
    throw e.Within(who);
  } catch (const std::exception& e) {
    throw Error(ErrorCode::kPlugin, e.what()).Within(who);
  }
}

}  // namespace

std::unique_ptr<Dataset> CreateDataset(const PluginRecord& record,
                                       const OptionValues& options,
                                       const PluginContext& context) {
  return Create<Dataset>("dataset", record, options, context);
}

std::unique_ptr<Teacher> CreateTeacher(const PluginRecord& record,
                                       const OptionValues& options,
                                       const PluginContext& context) {
  return Create<Teacher>("teacher", record, options, context);
}

std::unique_ptr<Student> CreateStudent(const PluginRecord& record,
                                       const OptionValues& options,
                                       const PluginContext& context) {
  return Create<Student>("student", record, options, context);
}

std::unique_ptr<Objective> CreateObjective(const PluginRecord& record,
                                           const OptionValues& options,
                                           const PluginContext& context) {
  return Create<Objective>("objective", record, options, context);
}

}  // namespace cross4d::plugin
