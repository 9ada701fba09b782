// SPDX-License-Identifier: Apache-2.0
// Every plugin in the build's plugin folder passes the suite of its role. A new plugin is tested
// without a line here.
#include "core/base/file.h"
#include "core/conformance/conformance.h"
#include "core/plugin/discover.h"
#include "core/plugin/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace cross4d::conformance {
namespace {

namespace fs = std::filesystem;
using base::PluginDescription;

const plugin::Discovery& Found() {
  static const plugin::Discovery found = plugin::DiscoverIn(
      {base::ExecutablePath().parent_path().parent_path() / "lib" / "cross4d" / "plugins"});
  return found;
}

/// A required folder is looked for in the test data, under the plugin's name or that of a stand-in
/// in the same format.
OptionValues GivenOptions(const PluginDescription& plugin) {
  OptionValues given;
  const char* data = std::getenv("CROSS4D_TEST_DATA");
  const std::string name = plugin.name == "dt4d-animals" ? "animals-cc0" : plugin.name;
  const fs::path folder = fs::path(data == nullptr ? "" : data) / "data" / name;
  for (const OptionSpec& spec : plugin.options.options) {
    if (spec.required && spec.name == "root" && fs::is_directory(folder))
      given["root"] = OptionValue(folder.string());
  }
  return given;
}

class ConformanceTest : public ::testing::TestWithParam<PluginDescription> {};

TEST_P(ConformanceTest, Passes) {
  Settings settings;
  settings.options = GivenOptions(GetParam());
  if (GetParam().role == "student") {
    for (const PluginDescription& p : Found().usable) {
      if (p.role == "objective") settings.objectives.push_back(&plugin::Load(p));
    }
  }
  const Report report = Check(GetParam(), plugin::Load(GetParam()), settings);
  std::fputs(report.Render().c_str(), stdout);
  EXPECT_TRUE(report.passed());
  if (GetParam().name == "point4d") {
    EXPECT_THAT(report.figures,
                ::testing::IsSupersetOf({"preset A: 3281984 parameters",
                                         "  + head of dense at d = 384: 98688 parameters"}));
  }
}

INSTANTIATE_TEST_SUITE_P(Plugins,
                         ConformanceTest,
                         ::testing::ValuesIn(Found().usable),
                         [](const auto& info) {
                           std::string name = info.param.role + "_" + info.param.name;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

TEST(Plugins, NoneOfTheBuildIsRefused) {
  EXPECT_GE(Found().usable.size(), 6u);
  for (const plugin::RefusedFile& refused : Found().refused)
    ADD_FAILURE() << refused.file << ": " << refused.reason;
}

}  // namespace
}  // namespace cross4d::conformance
