// SPDX-License-Identifier: Apache-2.0
#include "depth_png.h"

#include <cross4d/sdk/random.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "ntu_writer.h"
#include "tests/support/refusal.h"
#include "tests/support/temp_folder.h"

namespace cross4d::ntu_rgbd60 {
namespace {

using test::PngKind;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class DepthPngTest : public ::testing::Test {
 protected:
  std::string path() const { return (folder_ / "MDepth-00000001.png").string(); }
  std::string Refused() const {
    return test::Refusal([this] {
      std::vector<Pixel> pixels;
      ReadDepthPng(path(), &pixels);
    });
  }
  test::TempFolder folder_;
};

TEST_F(DepthPngTest, GivesEveryPixelWithADepth) {
  test::Depth depth(512 * 424, 0);
  depth[0] = 1;
  depth[511] = 65535;
  depth[512 * 423 + 511] = 256;  // would be 1 in the other byte order
  depth[512 * 7 + 5] = 3306;
  test::WritePng(path(), depth);
  std::vector<Pixel> pixels = {{1, 1, 1}};
  ReadDepthPng(path(), &pixels);
  const std::vector<std::array<int, 3>> expected = {
      {0, 0, 1}, {511, 0, 65535}, {5, 7, 3306}, {511, 423, 256}};
  ASSERT_EQ(pixels.size(), expected.size());
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    EXPECT_EQ((std::array<int, 3>{pixels[i].column, pixels[i].row, pixels[i].depth}), expected[i]);
  }
}

TEST_F(DepthPngTest, AFullyMaskedImageHasNone) {
  test::WritePng(path(), test::Block(0, 0));
  std::vector<Pixel> pixels;
  ReadDepthPng(path(), &pixels);
  EXPECT_TRUE(pixels.empty());
}

TEST_F(DepthPngTest, OtherKindsAreRefusedByName) {
  const std::pair<PngKind, const char*> cases[] = {
      {{.bits = 8}, "is a 8-bit greyscale image of 512 x 424 pixels, expected 16-bit greyscale"},
      {{.bits = 8, .colour = 2}, "8-bit RGB image"},
      {{.colour = 2}, "16-bit RGB image"},
      {{.bits = 8, .colour = 3}, "8-bit palette image"},
      {{.colour = 4}, "greyscale with alpha"},
      {{.bits = 8, .colour = 6}, "RGB with alpha"},
      {{.interlaced = true}, "pixels, interlaced, expected"},
      {{.width = 320, .height = 240}, "of 320 x 240 pixels, expected"}};
  for (const auto& [kind, text] : cases) {
    test::WritePng(path(), {}, kind);
    EXPECT_THAT(Refused(), AllOf(HasSubstr(path()), HasSubstr("at byte"), HasSubstr(text)));
  }
}

TEST_F(DepthPngTest, DamageIsFoundAndPlaced) {
  test::WritePng(path(), test::Body(1));
  const std::string whole = test::ReadBytes(path());
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{5}, std::size_t{20}, whole.size() / 2}) {
    test::WriteBytes(path(), whole.substr(0, size));
    EXPECT_THAT(Refused(), AllOf(HasSubstr("of " + std::to_string(size)), HasSubstr("truncated")));
  }
  test::WriteBytes(path(), whole.substr(0, whole.size() - 12));  // the end marker alone is missing
  EXPECT_THAT(Refused(), HasSubstr("truncated"));
  std::string flipped = whole;
  flipped[whole.size() / 2] ^= 0x40;
  test::WriteBytes(path(), flipped);
  EXPECT_THAT(Refused(),
              AllOf(HasSubstr(path()), HasSubstr("at byte"), Not(HasSubstr("truncated"))));
  test::WriteBytes(path(), "GIF89a" + whole);
  EXPECT_THAT(Refused(), HasSubstr("Not a PNG file"));
  std::filesystem::remove(path());
  EXPECT_THAT(Refused(), AllOf(HasSubstr(path()), HasSubstr("cannot be opened")));
}

// Any damage ends in pixels or in an Error, never in a crash.
TEST_F(DepthPngTest, SurvivesChangedBytes) {
  test::WritePng(path(), test::Body(2));
  const std::string whole = test::ReadBytes(path());
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    RandomStream random(MixSeed({static_cast<std::uint64_t>(round)}));
    std::string bytes = whole;
    for (int i = 0; i < 3; ++i) {
      bytes[random.Below(round % 2 == 0 ? 64 : bytes.size())] =
          static_cast<char>(random.Below(256));
    }
    test::WriteBytes(path(), bytes);
    if (!Refused().empty()) ++refused;
  }
  EXPECT_GT(refused, 200);
}

}  // namespace
}  // namespace cross4d::ntu_rgbd60
