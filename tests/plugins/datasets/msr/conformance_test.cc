// SPDX-License-Identifier: Apache-2.0
// The suite of tests/conformance has no data of this set, so it runs here on written files.
#include "core/conformance/conformance.h"

#include "core/base/file.h"
#include "core/plugin/describe.h"
#include "core/plugin/load.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "npz_writer.h"
#include "tests/support/temp_folder.h"

namespace cross4d::conformance {
namespace {

TEST(MsrConformance, Passes) {
  const test::TempFolder root;
  for (const char* id : {"a01_s01_e01", "a02_s03_e01", "a01_s06_e01", "a02_s07_e02"}) {
    std::vector<test::PickledArray> frames;
    for (int t = 0; t < 30; ++t) {
      const std::int64_t n = 100 + t;
      frames.push_back({{n, 3}, test::BytesOf<double>(test::PublishedPoints(n, 700 + t))});
    }
    test::WriteText(root / (std::string(id) + "_sdepth.npz"),
                    test::Npz("point_clouds", test::ObjectNpy(frames)));
  }
  const auto file = base::ExecutablePath().parent_path().parent_path() / "lib" / "cross4d" /
                    "plugins" / "cross4d_dataset_msr-action3d.so";
  const base::PluginDescription plugin = plugin::DescribeFile(file);
  Settings settings;
  settings.options["root"] = OptionValue(root.path().string());
  const Report report = Check(plugin, plugin::Load(plugin), settings);
  std::fputs(report.Render().c_str(), stdout);
  EXPECT_TRUE(report.passed());
}

}  // namespace
}  // namespace cross4d::conformance
