// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/discover.h"

#include "core/base/file.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/support/temp_folder.h"

namespace cross4d::plugin {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(SearchFolders, GivenThenEnvironmentThenBesideTheProgram) {
  const test::TempFolder folder;
  for (const char* name : {"a", "b", "c"}) base::MakeFolders(folder / name);
  const std::string b = (folder / "b").string(), c = (folder / "c").string();
  ::setenv("CROSS4D_PLUGIN_PATH", (":" + b + ":" + c + "::/no/such/folder:" + b).c_str(), 1);
  const auto folders = SearchFolders({c, (folder / "a").string()});
  ::unsetenv("CROSS4D_PLUGIN_PATH");
  ASSERT_GE(folders.size(), 3u);
  EXPECT_EQ(folders[0], fs::canonical(c));
  EXPECT_EQ(folders[1], fs::canonical(folder / "a"));
  EXPECT_EQ(folders[2], fs::canonical(b));
  // The last one is ../lib/cross4d/plugins of this test's own bin folder, once that was built.
  const fs::path own =
      base::ExecutablePath().parent_path().parent_path() / "lib" / "cross4d" / "plugins";
  EXPECT_EQ(folders.size(), fs::is_directory(own) ? 4u : 3u);
}

TEST(SearchFolders, NeverTheCurrentFolder) {
  const test::TempFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  ::setenv("CROSS4D_PLUGIN_PATH", "", 1);
  for (const fs::path& found : SearchFolders({""})) EXPECT_NE(found, fs::canonical(folder.path()));
  ::unsetenv("CROSS4D_PLUGIN_PATH");
  fs::current_path(before);
}

TEST(SearchFolders, AMissingGivenFolderIsAnError) {
  try {
    SearchFolders({"/no/such/folder"});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInput);
    EXPECT_THAT(e.what(), HasSubstr("/no/such/folder"));
  }
}

TEST(Discover, AnEmptyFolderHasNone) {
  const test::TempFolder folder;
  const Discovery found = DiscoverIn({folder.path()});
  EXPECT_TRUE(found.usable.empty());
  EXPECT_TRUE(found.refused.empty());
}

}  // namespace
}  // namespace cross4d::plugin
