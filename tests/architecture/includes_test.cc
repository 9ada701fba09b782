// SPDX-License-Identifier: Apache-2.0
// CMake cannot see an #include; this scan can. The rules are core/layers.cmake and the lists below.
#include "core/base/file.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/architecture/source_tree.h"

namespace cross4d::test {
namespace {

const std::vector<SourceFile>& Sources() {
  static const std::vector<SourceFile> sources = ReadSources();
  return sources;
}

std::string Where(const SourceFile& source, const Include& include) {
  return source.path + ":" + std::to_string(include.line) + " includes " + include.path;
}

bool StartsWithAny(const std::string& text, const std::vector<std::string>& prefixes) {
  for (const std::string& prefix : prefixes) {
    if (text.starts_with(prefix)) return true;
  }
  return false;
}

bool IsTorch(const std::string& include) {
  return StartsWithAny(include,
                       {"torch/",
                        "ATen/",
                        "c10/",
                        "cross4d/sdk/dataset.h",
                        "cross4d/sdk/teacher.h",
                        "cross4d/sdk/student.h",
                        "cross4d/sdk/objective.h"});
}

TEST(Includes, TheScanSeesTheTree) {
  EXPECT_GT(Sources().size(), 100u);
  EXPECT_GT(ReadLayers().size(), 15u);
  EXPECT_TRUE(ReadLayers().at("plugin").depends.contains("base"));
  EXPECT_TRUE(ReadKits().contains("tensorio"));
}

TEST(Includes, ModulesIncludeWhatTheirRowAllows) {
  const auto modules = ReadLayers();
  for (const SourceFile& source : Sources()) {
    if (source.module.empty() || source.module == "cmake") continue;
    ASSERT_TRUE(modules.contains(source.module)) << source.path << ": not in core/layers.cmake";
    for (const Include& include : source.includes) {
      if (!include.path.starts_with("core/")) continue;
      const std::string other = include.path.substr(5, include.path.find('/', 5) - 5);
      EXPECT_TRUE(other == source.module || modules.at(source.module).depends.contains(other))
          << Where(source, include) << ", but core/layers.cmake does not let " << source.module
          << " use " << other;
    }
  }
}

TEST(Includes, ModulesDependOnLowerLayersOnly) {
  const auto modules = ReadLayers();
  for (const auto& [name, module] : modules) {
    for (const std::string& other : module.depends) {
      EXPECT_LT(modules.at(other).layer, module.layer) << name << " -> " << other;
    }
  }
}

TEST(Includes, NothingOfTheOrchestratorSeesLibTorch) {
  const auto modules = ReadLayers();
  for (const SourceFile& source : Sources()) {
    if (source.module.empty() || source.module == "cmake" || source.module == "sdk") continue;
    if (modules.at(source.module).program == "worker") continue;
    if (source.path == "core/plugin/create.cc")
      continue;  // of the loader, a target of the worker's
    for (const Include& include : source.includes) {
      EXPECT_FALSE(IsTorch(include.path)) << Where(source, include);
    }
  }
}

TEST(Includes, OnlyTheFourInterfacesOfTheSdkUseLibTorch) {
  for (const SourceFile& source : Sources()) {
    if (source.module != "sdk" ||
        IsTorch("cross4d/sdk/" + source.path.substr(source.path.rfind('/') + 1)))
      continue;
    for (const Include& include : source.includes) {
      EXPECT_FALSE(IsTorch(include.path)) << Where(source, include);
    }
  }
}

TEST(Includes, ThirdPartyLibrariesStayInTheirModules) {
  const std::map<std::string, std::set<std::string>> homes = {{"toml++/", {"config"}},
                                                              {"SQLiteCpp/", {"results"}},
                                                              {"sqlite3.h", {"results"}},
                                                              {"boost/dll", {"plugin"}},
                                                              {"CLI/", {"base", "cli", "worker"}},
                                                              {"openssl/", {"base"}},
                                                              {"zip.h", {"tensorio"}},
                                                              {"elf.h", {"plugin"}}};
  for (const SourceFile& source : Sources()) {
    if (source.module.empty()) continue;
    for (const Include& include : source.includes) {
      for (const auto& [prefix, modules] : homes) {
        if (!include.path.starts_with(prefix)) continue;
        EXPECT_TRUE(modules.contains(source.module)) << Where(source, include);
      }
    }
  }
}

TEST(Includes, PluginsSeeTheSdkAndTheKitsOnly) {
  const auto kits = ReadKits();
  for (const SourceFile& source : Sources()) {
    if (!source.path.starts_with("plugins/")) continue;
    for (const Include& include : source.includes) {
      EXPECT_FALSE(include.path.starts_with("tests/") || include.path.starts_with("plugins/"))
          << Where(source, include);
      if (!include.path.starts_with("core/")) continue;
      EXPECT_TRUE(kits.contains(include.path.substr(5, include.path.find('/', 5) - 5)))
          << Where(source, include);
    }
  }
}

TEST(Includes, ProgramCodeDoesNotIncludeTestsOrPlugins) {
  for (const SourceFile& source : Sources()) {
    if (!source.path.starts_with("core/")) continue;
    for (const Include& include : source.includes) {
      EXPECT_FALSE(StartsWithAny(include.path, {"tests/", "plugins/", "../"}))
          << Where(source, include);
    }
  }
}

TEST(Sources, EveryFileNamesItsLicence) {
  for (const SourceFile& source : Sources()) {
    EXPECT_EQ(source.first_line, "// SPDX-License-Identifier: Apache-2.0") << source.path;
  }
}

/// One line per layer, from the top: "6  cli (cross4d)  worker (worker)".
std::string LayersFigure() {
  std::map<int, std::string, std::greater<>> rows;
  for (const auto& [name, module] : ReadLayers()) {
    std::string& row = rows[module.layer];
    row += (row.empty() ? "" : ", ") + name;
    if (module.program != "both") row += " (" + module.program + ")";
  }
  std::string figure = "```text\n";
  for (const auto& [layer, row] : rows) figure += std::to_string(layer) + "  " + row + "\n";
  return figure + "```\n";
}

TEST(Documents, TheLayersFigureInContributingIsFresh) {
  const std::string text = base::ReadFile(SourceRoot() / "CONTRIBUTING.md");
  EXPECT_NE(text.find(LayersFigure()), std::string::npos)
      << "CONTRIBUTING.md does not hold this figure:\n"
      << LayersFigure();
}

}  // namespace
}  // namespace cross4d::test
