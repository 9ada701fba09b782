// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/context.h>
#include <cross4d/sdk/error.h>
#include <cross4d/sdk/export.h>
#include <cross4d/sdk/note.h>
#include <cross4d/sdk/option.h>

#include <exception>
#include <string>
#include <type_traits>

namespace cross4d {
inline namespace v1 {

class Dataset;
class Teacher;
class Student;
class Objective;

/// What a plugin hands to the host when its entry is called. Free of LibTorch.
struct PluginRecord {
  std::string role;                       ///< "dataset", "teacher", "student" or "objective"
  std::string name;                       ///< id of the plugin, kebab-case
  std::string version;                    ///< semantic version; changes when results change
  const OptionSchema* options = nullptr;  ///< lives as long as the library (for ever)
  /// A new object of the role's interface, owned by the caller; throws Error. The pointer is that
  /// of the role's class itself (Dataset*, …), converted to void*.
  void* (*create)(const OptionValues& options, const PluginContext& context) = nullptr;
};

/// The host's side of the entry.
struct PluginHost {
  void* state = nullptr;
  void (*add)(void* state, const PluginRecord& record) = nullptr;
  void (*fail)(void* state, const char* message) = nullptr;
};

/// Name of the one exported symbol.
inline constexpr const char* kPluginEntry = "cross4d_plugin_entry_v1";
using PluginEntry = void (*)(const PluginHost*);

namespace plugin_internal {

template <class Role, class Impl, auto Describe>
void* Create(const OptionValues& options, const PluginContext& context) {
  return static_cast<Role*>(new Impl(Describe().Read(options), context));
}

template <class Role, class Impl, auto Describe>
void Enter(const PluginHost* host,
           const char* role,
           const char* name,
           const char* version) noexcept {
  try {
    static const auto table = Describe();
    host->add(host->state, {role, name, version, &table.schema(), &Create<Role, Impl, Describe>});
  } catch (const std::exception& e) {
    host->fail(host->state, e.what());
  } catch (...) {
    host->fail(host->state, "unknown exception in the plugin's entry");
  }
}

}  // namespace plugin_internal
}  // namespace v1
}  // namespace cross4d

/// The last line of a plugin. `Impl` derives from the role's class and is built as
/// Impl(Options, const PluginContext&); `Describe` returns OptionTable<Options>.
///
///   CROSS4D_PLUGIN(teacher, Teacher, "my-teacher", "1.0.0", "One line of what it is.",
///                  "frame-tokens", "", MyTeacher, DescribeOptions)
///
/// `provides` and `requires_` are comma-separated tags (tags.h).
#define CROSS4D_PLUGIN(role, Role, name, version, doc, provides, requires_, Impl, Describe) \
  CROSS4D_EMIT_NOTE("role=" #role "\nid=" name "\nversion=" version "\n" CROSS4D_BUILD_TEXT \
                    "provides=" provides "\nrequires=" requires_ "\ndoc=" doc "\n")         \
  /* Weak, so that one test program may hold several plugins. */                            \
  extern "C" CROSS4D_API __attribute__((weak)) void cross4d_plugin_entry_v1(                \
      const ::cross4d::PluginHost* host) {                                                  \
    ::cross4d::plugin_internal::Enter<::cross4d::Role, Impl, &Describe>(                    \
        host, #role, name, version);                                                        \
  }
