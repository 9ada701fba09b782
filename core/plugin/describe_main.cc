// SPDX-License-Identifier: Apache-2.0
// cross4d-describe PLUGIN.so: runs after linking, loads the plugin, and writes its option table
// beside it as PLUGIN.json, so that the orchestrator knows the options without loading anything.
#include "core/base/file.h"
#include "core/base/option_json.h"
#include "core/plugin/describe.h"
#include "core/plugin/note.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>

#include <dlfcn.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace cross4d::plugin {
namespace {

std::vector<std::string> Problems(const PluginRecord& record, const PluginNote& note) {
  std::vector<std::string> problems = CheckSchema(*record.options);
  const auto same = [&problems](
                        const char* what, const std::string& entry, const std::string& in_note) {
    if (entry == in_note) return;
    problems.push_back(std::string("its note says ") + what + " " + in_note + ", its entry says " +
                       entry);
  };
  same("role", record.role, note.Get("role"));
  same("id", record.name, note.Get("id"));
  same("version", record.version, note.Get("version"));
  if (note.Get("doc").empty()) problems.push_back("its note has no doc line");
  return problems;
}

int Describe(const std::filesystem::path& file) {
  const PluginNote note = ReadNote(file);
  const std::string mismatch = BuildMismatch(note);
  if (!mismatch.empty()) throw Error(ErrorCode::kPlugin, file.string() + ": " + mismatch);
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw Error(ErrorCode::kPlugin, ::dlerror());
  const PluginRecord record =
      CallEntry(reinterpret_cast<PluginEntry>(::dlsym(library, kPluginEntry)), file);
  const std::vector<std::string> problems = Problems(record, note);
  for (const std::string& problem : problems) {
    std::fprintf(stderr, "%s: error: %s\n", file.c_str(), problem.c_str());
  }
  if (!problems.empty()) return 2;
  nlohmann::json descriptor = {{"format", 1},
                               {"build_id", note.build_id},
                               {"role", record.role},
                               {"name", record.name},
                               {"version", record.version},
                               {"schema", base::ToJson(*record.options)}};
  base::WriteFileAtomically(DescriptorPath(file), descriptor.dump(1) + "\n", false);
  return 0;
}

}  // namespace
}  // namespace cross4d::plugin

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: cross4d-describe PLUGIN.so\n");
    return 2;
  }
  try {
    return cross4d::plugin::Describe(std::filesystem::absolute(argv[1]));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 2;
  }
}
