// SPDX-License-Identifier: Apache-2.0
#include "core/clips/fingerprint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_folder.h"

namespace cross4d::clips {
namespace {

using ::testing::StartsWith;
using Files = std::vector<std::pair<std::string, std::uint64_t>>;

std::string TextOf(const Files& files) {
  FolderFingerprint fingerprint;
  for (const auto& [name, size] : files) fingerprint.Add(name, size);
  return fingerprint.Text();
}

TEST(Fingerprint, FollowsNamesSizesAndOrder) {
  const std::string text = TextOf({{"a", 1}, {"b", 2}});
  EXPECT_THAT(text, StartsWith("2 files, "));
  EXPECT_EQ(text, TextOf({{"a", 1}, {"b", 2}}));
  EXPECT_EQ(text.size(), std::string("2 files, 0123456789abcdef").size());
  for (const Files& other :
       {Files{{"a", 1}}, {{"a", 1}, {"b", 3}}, {{"a", 1}, {"c", 2}}, {{"b", 2}, {"a", 1}}}) {
    EXPECT_NE(text, TextOf(other));
  }
  EXPECT_EQ(TextOf({}), "0 files, 0000000000000000");
}

TEST(Fingerprint, FilesCountByNameAndSizeWhereverTheyLie) {
  const test::TempFolder folder;
  std::ofstream(folder / "clip.bin") << "123";
  FolderFingerprint there, missing;
  there.Add(folder / "clip.bin");
  EXPECT_EQ(there.Text(), TextOf({{"clip.bin", 3}}));
  missing.Add(folder / "gone.bin");
  EXPECT_EQ(missing.Text(), TextOf({{"gone.bin", 0}}));
}

}  // namespace
}  // namespace cross4d::clips
