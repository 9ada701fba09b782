// SPDX-License-Identifier: Apache-2.0
#include "tests/architecture/source_tree.h"

#include "core/base/file.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <regex>
#include <sstream>

namespace cross4d::test {
namespace {

namespace fs = std::filesystem;

bool IsSource(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".h" || extension == ".cc" || extension == ".cu" || extension == ".cuh";
}

SourceFile Parse(const fs::path& file) {
  static const std::regex include(R"re(^\s*#\s*include\s*[<"]([^>"]+)[>"])re");
  SourceFile source;
  source.path = file.lexically_relative(SourceRoot()).generic_string();
  if (source.path.starts_with("core/"))
    source.module = source.path.substr(5, source.path.find('/', 5) - 5);
  std::istringstream in(base::ReadFile(file));
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (number == 1) source.first_line = line;
    std::smatch match;
    if (std::regex_search(line, match, include)) source.includes.push_back({number, match[1]});
  }
  return source;
}

std::set<std::string> Words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
}

}  // namespace

fs::path SourceRoot() { return std::getenv("CROSS4D_SOURCE_DIR"); }

std::vector<SourceFile> ReadSources() {
  std::vector<SourceFile> sources;
  for (const char* folder : {"core", "plugins", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(SourceRoot() / folder)) {
      if (entry.is_regular_file() && IsSource(entry.path())) sources.push_back(Parse(entry.path()));
    }
  }
  std::sort(
      sources.begin(), sources.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return sources;
}

std::map<std::string, Module> ReadLayers() {
  static const std::regex row(
      R"(^cross4d_layer\((\w+)\s+(\d+)\s+(\w+)(?:\s+DEPENDS\s+([\w\s]+))?\))");
  std::map<std::string, Module> modules;
  std::istringstream in(base::ReadFile(SourceRoot() / "core" / "layers.cmake"));
  std::string line;
  while (std::getline(in, line)) {
    std::smatch match;
    if (std::regex_search(line, match, row)) {
      modules[match[1]] = {std::stoi(match[2]), match[3], Words(match[4])};
    }
  }
  return modules;
}

std::set<std::string> ReadKits() {
  static const std::regex kits(R"(set\(CROSS4D_KITS ([\w\s]+)\))");
  const std::string text = base::ReadFile(SourceRoot() / "core" / "layers.cmake");
  std::smatch match;
  return std::regex_search(text, match, kits) ? Words(match[1]) : std::set<std::string>();
}

}  // namespace cross4d::test
