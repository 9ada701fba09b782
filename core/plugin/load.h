// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/plugin_description.h"

#include <cross4d/sdk/plugin.h>

#include <memory>
#include <string>

/// Loading of plugins: the worker's half of the module (target cross4d_plugin_loader).
namespace cross4d::plugin {

/// What the plan froze; empty = not checked.
struct ExpectedBuild {
  std::string build_id;
  std::string sha256;
};

/// Loads the library (rtld_now | rtld_local) after its note was checked, and returns its record.
/// The library is never unloaded: types, vtables and tensors' deleters may live in it until the
/// process ends. Loading one file twice gives the same record. Throws Error(kPlugin) with both
/// values when the file differs from `expected`, when its note does not fit, or when role and name
/// differ from the description's. Thread-safe.
const PluginRecord& Load(const base::PluginDescription& plugin, const ExpectedBuild& expected = {});
/// The same for a file: describes it first.
const PluginRecord& LoadFile(const std::string& file, const ExpectedBuild& expected = {});

/// A new object of the record's role; Error's context names the plugin. An exception that is no
/// Error becomes Error(kPlugin). Role must be the class of record.role (checked).
std::unique_ptr<Dataset> CreateDataset(const PluginRecord& record,
                                       const OptionValues& options,
                                       const PluginContext& context);
std::unique_ptr<Teacher> CreateTeacher(const PluginRecord& record,
                                       const OptionValues& options,
                                       const PluginContext& context);
/// Turn it into a std::shared_ptr before use as a torch module.
std::unique_ptr<Student> CreateStudent(const PluginRecord& record,
                                       const OptionValues& options,
                                       const PluginContext& context);
std::unique_ptr<Objective> CreateObjective(const PluginRecord& record,
                                           const OptionValues& options,
                                           const PluginContext& context);

}  // namespace cross4d::plugin
