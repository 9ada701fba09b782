// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace cross4d::test {

struct Include {
  int line = 0;
  std::string path;  ///< as written, without quotes or brackets
};

struct SourceFile {
  std::string path;    ///< relative to the project's root, "core/base/file.cc"
  std::string module;  ///< of core/<module>/…; "" elsewhere
  std::string first_line;
  std::vector<Include> includes;
};

struct Module {
  int layer = 0;
  std::string program;
  std::set<std::string> depends;
};

std::filesystem::path SourceRoot();
/// All .h, .cc, .cu and .cuh below core, plugins and tests, sorted by path.
std::vector<SourceFile> ReadSources();
/// core/layers.cmake as CMake reads it.
std::map<std::string, Module> ReadLayers();
/// The names in set(CROSS4D_KITS …) of core/layers.cmake.
std::set<std::string> ReadKits();

}  // namespace cross4d::test
