// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/temp_folder.h"

namespace cross4d::base {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::size_t CountEntries(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(File, WritesAndReadsBack) {
  const test::TempFolder folder;
  const std::string bytes("a\0b\n\xff", 5);
  WriteFileAtomically(folder / "f", bytes);
  EXPECT_EQ(ReadFile(folder / "f"), bytes);
  WriteFileAtomically(folder / "f", "", false);
  EXPECT_EQ(ReadFile(folder / "f"), "");
  EXPECT_EQ(CountEntries(folder.path()), 1u) << "a temporary file was left";
}

TEST(File, ReadsFilesWhoseSizeIsNotKnown) {
  EXPECT_THAT(ReadFile("/proc/self/status"), HasSubstr("Pid:"));
}

TEST(File, ErrorsNameThePathAndTheReason) {
  try {
    ReadFile("/no/such/file");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kEnvironment);
    EXPECT_THAT(e.what(), HasSubstr("/no/such/file"));
    EXPECT_THAT(e.what(), HasSubstr("No such file"));
  }
}

TEST(File, AFailedWriteLeavesTheOldContent) {
  const test::TempFolder folder;
  fs::create_directory(folder / "target");  // a folder: the rename must fail
  EXPECT_THROW(WriteFileAtomically(folder / "target", "new"), Error);
  EXPECT_TRUE(fs::is_directory(folder / "target"));
  EXPECT_EQ(CountEntries(folder.path()), 1u) << "a temporary file was left";
}

TEST(File, PublishFolderKeepsWhatIsThere) {
  const test::TempFolder folder;
  MakeFolders(folder / "work/inner");
  WriteFileAtomically(folder / "work/inner/f", "1");
  EXPECT_TRUE(PublishFolder(folder / "work", folder / "artifact"));
  EXPECT_EQ(ReadFile(folder / "artifact/inner/f"), "1");
  EXPECT_FALSE(fs::exists(folder / "work"));

  MakeFolders(folder / "late");
  WriteFileAtomically(folder / "late/f", "2");
  EXPECT_FALSE(PublishFolder(folder / "late", folder / "artifact"));
  EXPECT_TRUE(fs::exists(folder / "late/f"));
  EXPECT_TRUE(fs::exists(folder / "artifact/inner/f"));
}

TEST(File, PublishFolderDoesNotReplaceAnEmptyFolder) {
  const test::TempFolder folder;
  MakeFolders(folder / "work");
  MakeFolders(folder / "artifact");
  EXPECT_FALSE(PublishFolder(folder / "work", folder / "artifact"));
  EXPECT_TRUE(fs::exists(folder / "work"));
}

TEST(File, ExecutablePathIsThisTest) { EXPECT_EQ(ExecutablePath().filename(), "test_unit_base"); }

}  // namespace
}  // namespace cross4d::base
