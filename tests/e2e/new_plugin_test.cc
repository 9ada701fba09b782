// SPDX-License-Identifier: Apache-2.0
// What `plugins new` writes builds (tests/e2e/CMakeLists.txt builds the same text), passes
// conformance and runs.
#include "core/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

using testing::HasSubstr;

class NewPluginTest : public testing::TestWithParam<std::string> {};

TEST_P(NewPluginTest, WritesWhatTheBuildHasBuilt) {
  const Place place;
  const std::string role = GetParam(), folder = (place / "mine").string();
  const Result result = place.Run({"plugins", "new", role, "template-" + role, "--folder", folder});
  ASSERT_TRUE(result.Ok()) << result.err;
  EXPECT_EQ(base::ReadFile(folder + "/template_" + role + ".cc"),
            base::ReadFile(std::string(BUILT_TEMPLATES) + "/template_" + role + ".cc"));
  EXPECT_THAT(base::ReadFile(folder + "/CMakeLists.txt"),
              HasSubstr("cross4d_add_plugin(template_" + role + " ROLE " + role));
  for (const char* file : {"/CMakeLists.txt", "/README.md"}) {
    EXPECT_THAT(base::ReadFile(folder + file), testing::Not(HasSubstr("@"))) << file;
  }
  EXPECT_EQ(place.Run({"plugins", "new", role, "template-" + role, "--folder", folder}).status.code,
            2);
}

TEST_P(NewPluginTest, PassesConformance) {
  const Result result = Place().Run({"plugins", "check", "template-" + GetParam()});
  EXPECT_TRUE(result.Ok()) << result.out << result.err;
}

INSTANTIATE_TEST_SUITE_P(Roles,
                         NewPluginTest,
                         testing::Values("dataset", "teacher", "student", "objective"),
                         [](const auto& info) { return info.param; });

TEST(NewPluginsTest, RunTogether) {
  const Place place;
  const std::string text =
      "name = \"mine\"\n[dataset]\nplugin = \"template-dataset\"\n"
      "[teacher]\nplugin = \"template-teacher\"\n[targets]\nimage_size = 32\ndim = 8\n"
      "[student]\nplugin = \"template-student\"\n[objective]\nplugin = \"template-objective\"\n"
      "[pretrain]\nepochs = 2\nbatch = 8\n"
      "[[evaluate]]\nname = \"probe\"\nprotocol = \"linear-probe\"\nepochs = 5\n"
      "[[table]]\nname = \"mine\"\nvalue = \"probe.accuracy\"\n";
  const Result run = place.Run({"run", place.Write("mine.toml", text)});
  EXPECT_TRUE(run.Ok()) << run.err;
}

TEST(NewPluginsTest, NamesAreKebabCase) {
  const Place place;
  for (const char* name : {"MyTeacher", "my_teacher", "-x", "x-", "3d", "a--b"}) {
    const Result result =
        place.Run({"plugins", "new", "teacher", "--folder", (place / "x").string(), "--", name});
    EXPECT_EQ(result.status.code, 2) << name;
  }
}

}  // namespace
}  // namespace cross4d::e2e
