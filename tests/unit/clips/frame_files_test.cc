// SPDX-License-Identifier: Apache-2.0
#include "core/clips/frame_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/refusal.h"
#include "tests/support/temp_folder.h"

namespace cross4d::clips {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class FrameFilesTest : public ::testing::Test {
 protected:
  void Add(const std::string& name) const { std::ofstream(folder_ / name); }
  std::string Refused(const FrameFiles& files) const {
    return test::Refusal([&] { files.Count(folder_.path()); });
  }
  test::TempFolder folder_;
};

TEST_F(FrameFilesTest, NamesAndCounts) {
  const FrameFiles images{"MDepth-", 8, ".png", 1}, plain{"", 0, ".npz", 0};
  EXPECT_EQ(images.Name(0), "MDepth-00000001.png");
  EXPECT_EQ(images.Name(122), "MDepth-00000123.png");
  EXPECT_EQ(plain.Name(10), "10.npz");
  for (int frame = 0; frame < 12; ++frame) {
    Add(images.Name(frame));
    Add(plain.Name(frame));
  }
  for (const char* other : {"MDepth-1.png",
                            "MDepth-000000013.png",
                            "MDepth-00000000.png",
                            "MDepth-00000014.png.part",
                            "Depth-00000014.png",
                            "MDepth-.png",
                            "012.npz",
                            "-1.npz",
                            ".npz",
                            "99999999999999999999.npz"}) {
    Add(other);
  }
  EXPECT_EQ(images.Count(folder_.path()), 12);
  EXPECT_EQ(plain.Count(folder_.path()), 12);
}

TEST_F(FrameFilesTest, GapsAreNamed) {
  const FrameFiles files{"f", 2, ".ply", 0};
  EXPECT_THAT(Refused(files), AllOf(HasSubstr("has no frame"), HasSubstr("expected f00.ply")));
  Add("f01.ply");
  EXPECT_THAT(Refused(files), HasSubstr("f00.ply is missing (frame 0)"));
  Add("f00.ply");
  Add("f03.ply");
  EXPECT_THAT(
      Refused(files),
      AllOf(HasSubstr("f02.ply is missing (frame 2)"), HasSubstr("3 frames, the last is f03.ply")));
  EXPECT_THAT(test::Refusal([&] { files.Count(folder_ / "nowhere"); }),
              AllOf(HasSubstr("nowhere"), HasSubstr("cannot be listed")));
}

}  // namespace
}  // namespace cross4d::clips
