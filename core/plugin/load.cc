// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/load.h"

#include "core/base/hash.h"
#include "core/plugin/describe.h"
#include "core/plugin/note.h"

#include <cross4d/sdk/error.h>

#include <boost/dll/shared_library.hpp>

#include <deque>
#include <map>
#include <mutex>

namespace cross4d::plugin {
namespace {

[[noreturn]] void Differs(const std::string& file,
                          const char* what,
                          const std::string& found,
                          const std::string& planned) {
  throw Error(ErrorCode::kPlugin,
              file + ": " + what + " is " + found + ", the plan has " + planned +
                  "; the plugin was built again since: plan again");
}

void CheckExpected(const base::PluginDescription& plugin, const ExpectedBuild& expected) {
  const PluginNote note = ReadNote(plugin.file);
  const std::string mismatch = BuildMismatch(note);
  if (!mismatch.empty()) throw Error(ErrorCode::kPlugin, plugin.file + ": " + mismatch);
  if (!expected.build_id.empty() && note.build_id != expected.build_id) {
    Differs(plugin.file, "its build-id", note.build_id, expected.build_id);
  }
  if (expected.sha256.empty()) return;
  const std::string sha256 = base::Sha256File(plugin.file);
  if (sha256 != expected.sha256) Differs(plugin.file, "its SHA-256", sha256, expected.sha256);
}

PluginRecord Open(const base::PluginDescription& plugin) {
  namespace dll = boost::dll;
  boost::system::error_code error;
  // Never destroyed: a library must outlive every object whose code lies in it.
  static auto& libraries = *new std::deque<dll::shared_library>;
  dll::shared_library& library = libraries.emplace_back(
      plugin.file, dll::load_mode::rtld_now | dll::load_mode::rtld_local, error);
  if (error) {
    const char* reason = ::dlerror();
    throw Error(ErrorCode::kPlugin,
                plugin.file + ": cannot load: " + (reason != nullptr ? reason : error.message()));
  }
  PluginEntry entry = nullptr;
  if (library.has(kPluginEntry)) entry = &library.get<void(const PluginHost*)>(kPluginEntry);
  const PluginRecord record = CallEntry(entry, plugin.file);
  if (record.role != plugin.role || record.name != plugin.name ||
      record.version != plugin.version) {
    throw Error(ErrorCode::kPlugin,
                plugin.file + ": its entry registers the " + record.role + " " + record.name + " " +
                    record.version + ", its note says " + plugin.role + " " + plugin.name + " " +
                    plugin.version);
  }
  return record;
}

}  // namespace

const PluginRecord& Load(const base::PluginDescription& plugin, const ExpectedBuild& expected) {
  static std::mutex mutex;
  static std::map<std::string, PluginRecord> loaded;  // by file
  const std::lock_guard lock(mutex);
  CheckExpected(plugin, expected);
  const auto it = loaded.find(plugin.file);
  if (it != loaded.end()) return it->second;
  return loaded.emplace(plugin.file, Open(plugin)).first->second;
}

const PluginRecord& LoadFile(const std::string& file, const ExpectedBuild& expected) {
  return Load(DescribeFile(file), expected);
}

}  // namespace cross4d::plugin
