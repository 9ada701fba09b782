// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/discover.h"

#include "core/base/file.h"
#include "core/plugin/describe.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace cross4d::plugin {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> SplitPath(const char* text) {
  std::vector<std::string> parts(1);
  for (const char* c = text == nullptr ? "" : text; *c != '\0'; ++c) {
    if (*c == ':')
      parts.emplace_back();
    else
      parts.back() += *c;
  }
  return parts;
}

/// Resolved, so that a folder reached by two names counts once.
fs::path Real(const fs::path& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  return error ? fs::absolute(path).lexically_normal() : real;
}

bool IsPluginFile(const fs::path& path) {
  return path.filename().string().starts_with("cross4d_") && path.extension() == ".so";
}

std::vector<fs::path> PluginFiles(const std::vector<fs::path>& folders) {
  std::vector<fs::path> files;
  std::set<fs::path> seen;
  for (const fs::path& folder : folders) {
    std::vector<fs::path> here;
    std::error_code error;
    for (auto it = fs::directory_iterator(folder, error); !error && it != fs::end(it);
         it.increment(error)) {
      if (IsPluginFile(it->path()) && seen.insert(Real(it->path())).second)
        here.push_back(it->path());
    }
    if (error) {
      throw Error(ErrorCode::kEnvironment, folder.string() + ": cannot list: " + error.message());
    }
    std::sort(here.begin(), here.end());
    files.insert(files.end(), here.begin(), here.end());
  }
  return files;
}

void CheckDuplicates(const std::vector<base::PluginDescription>& plugins) {
  std::map<std::pair<std::string, std::string>, std::string> files;
  for (const base::PluginDescription& plugin : plugins) {
    const auto [it, fresh] = files.emplace(std::pair(plugin.role, plugin.name), plugin.file);
    if (!fresh) {
      FailInput("two plugins are the " + plugin.role + " " + plugin.name + ": " + it->second +
                " and " + plugin.file + "; remove one of them from the plugin folders");
    }
  }
}

}  // namespace

const base::PluginDescription* Discovery::Find(std::string_view role, std::string_view name) const {
  for (const base::PluginDescription& plugin : usable) {
    if (plugin.role == role && plugin.name == name) return &plugin;
  }
  return nullptr;
}

std::vector<fs::path> SearchFolders(const std::vector<std::string>& given) {
  std::vector<fs::path> folders;
  const auto add = [&folders](const fs::path& path) {
    const fs::path real = Real(path);
    if (fs::is_directory(real) &&
        std::find(folders.begin(), folders.end(), real) == folders.end()) {
      folders.push_back(real);
    }
  };
  for (const std::string& folder : given) {
    if (folder.empty()) continue;
    if (!fs::is_directory(folder))
      FailInput("--plugin-dir " + folder + ": there is no such folder");
    add(folder);
  }
  for (const std::string& folder : SplitPath(std::getenv("CROSS4D_PLUGIN_PATH"))) {
    if (!folder.empty()) add(folder);
  }
  add(base::ExecutablePath().parent_path().parent_path() / "lib" / "cross4d" / "plugins");
  return folders;
}

Discovery DiscoverIn(const std::vector<fs::path>& folders) {
  Discovery result;
  for (const fs::path& file : PluginFiles(folders)) {
    const std::string path = fs::absolute(file).string();
    try {
      result.usable.push_back(DescribeFile(file));
    } catch (const Error& e) {
      std::string reason = e.message();
      if (reason.starts_with(path + ": ")) reason.erase(0, path.size() + 2);
      std::replace(reason.begin(), reason.end(), '\n', ' ');
      result.refused.push_back({path, reason});
    }
  }
  CheckDuplicates(result.usable);
  std::sort(result.usable.begin(), result.usable.end(), [](const auto& a, const auto& b) {
    return std::tie(a.role, a.name) < std::tie(b.role, b.name);
  });
  std::sort(result.refused.begin(), result.refused.end(), [](const auto& a, const auto& b) {
    return a.file < b.file;
  });
  return result;
}

Discovery Discover(const std::vector<std::string>& given) {
  return DiscoverIn(SearchFolders(given));
}

}  // namespace cross4d::plugin
