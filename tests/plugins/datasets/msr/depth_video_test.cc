// SPDX-License-Identifier: Apache-2.0
#include "depth_video.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/random.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "npz_writer.h"
#include "tests/support/refusal.h"
#include "tests/support/temp_folder.h"

namespace cross4d::msr_action3d {
namespace {

using test::BytesOf;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A video of 4 x 3 pixels; pixel i of frame t has 100 * t + i counts.
std::string VideoOf(double frames) {
  std::vector<double> values = {frames, 4, 3};
  for (int t = 0; t < frames; ++t) {
    for (int i = 0; i < 12; ++i) values.push_back(100 * t + i);
  }
  return BytesOf<std::uint32_t>(values);
}

std::string Problem(const std::string& bytes) {
  return test::Refusal(
      [&] {
        DepthVideo video("f.bin", bytes);
        std::vector<Pixel> pixels;
        for (std::int64_t t = 0; t < video.count(); ++t) video.Read(t, &pixels);
      },
      ErrorCode::kInput);
}

TEST(DepthVideo, ReadsAnyFrameRowByRow) {
  DepthVideo video("f.bin", VideoOf(3));
  EXPECT_EQ(video.count(), 3);
  EXPECT_EQ(video.centre_x(), 2);
  EXPECT_EQ(video.centre_y(), 1.5);
  std::vector<Pixel> pixels;
  video.Read(2, &pixels);
  ASSERT_THAT(pixels, SizeIs(12));
  EXPECT_EQ(pixels[0].depth, 200);
  EXPECT_EQ(pixels[6].column, 2);
  EXPECT_EQ(pixels[6].row, 1);
  EXPECT_EQ(pixels[6].depth, 206);
  video.Read(0, &pixels);  // 0 counts are background
  ASSERT_THAT(pixels, SizeIs(11));
  EXPECT_EQ(pixels[0].column, 1);
}

TEST(DepthVideo, FilesAndTheirFrameCounts) {
  const test::TempFolder folder;
  test::WriteText(folder / "v.bin", VideoOf(5));
  EXPECT_EQ(OpenVideo(folder / "v.bin")->count(), 5);
  EXPECT_EQ(CountFrames(folder / "v.bin"), 5);
  EXPECT_THAT(test::Refusal([&] { CountFrames(folder / "w.bin"); }),
              AllOf(HasSubstr("w.bin"), HasSubstr("cannot be opened")));
}

TEST(DepthVideo, SizeAndHeaderMustAgree) {
  EXPECT_EQ(Problem(VideoOf(3)), "");
  EXPECT_THAT(Problem(""), AllOf(HasSubstr("has 0 bytes"), HasSubstr("header of 12")));
  EXPECT_THAT(Problem(VideoOf(3).substr(0, 11)), HasSubstr("truncated"));
  EXPECT_THAT(Problem(VideoOf(3).substr(0, 12 + 2 * 48 + 7)),
              AllOf(HasSubstr("f.bin"),
                    HasSubstr("103 bytes after the header, expected 144 for 3 frames of 4 x 3"),
                    HasSubstr("truncated in frame 2")));
  EXPECT_THAT(Problem(VideoOf(3) + "x"), HasSubstr("145 bytes after the header, expected 144"));
  EXPECT_THAT(Problem(VideoOf(3).substr(0, 12 + 72)), HasSubstr("pixels of 2 bytes"));
  EXPECT_THAT(Problem(VideoOf(3) + std::string(36, '\0')), HasSubstr("MSRDailyActivity3D"));
  EXPECT_THAT(Problem(BytesOf<std::uint32_t>({0, 320, 240})),
              AllOf(HasSubstr("at byte 0: 0 frames"), HasSubstr("expected at least 1")));
  EXPECT_THAT(Problem(BytesOf<std::uint32_t>({1, 0, 240})), HasSubstr("0 x 240 pixels"));
  EXPECT_THAT(Problem(BytesOf<std::uint32_t>({1, 320, 99999})), HasSubstr("expected 320 x 240"));
  EXPECT_THAT(Problem(BytesOf<std::uint32_t>({4294967295.0, 4096, 4096})), HasSubstr("truncated"));
}

TEST(DepthVideo, ImpossibleDepthIsNamedByOffsetAndFrame) {
  std::string bytes = VideoOf(2);
  bytes[12 + 48 + 4 * 3 + 2] = 1;  // frame 1, pixel 3: 103 counts become 65639
  EXPECT_THAT(Problem(bytes),
              AllOf(HasSubstr("at byte 72, frame 1"), HasSubstr("65639"), HasSubstr("65535")));
}

// A short run over damaged files in every test run; tests/fuzz holds the long one.
TEST(DepthVideo, DamagedFilesEndInAnErrorOrAVideo) {
  int refused = 0;
  for (std::uint64_t round = 0; round < 5000; ++round) {
    RandomStream random(MixSeed({round}));
    std::string bytes = VideoOf(3);
    for (std::uint64_t i = random.Below(4) + 1; i > 0; --i) {
      const std::size_t at = random.Below(random.Below(2) == 0 ? 12 : bytes.size());
      bytes[at] = static_cast<char>(random.Below(256));
      if (random.Below(4) == 0) bytes.resize(random.Below(bytes.size() - 12) + 12);
    }
    refused += Problem(bytes).empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 1000);
  EXPECT_LT(refused, 5000);
}

}  // namespace
}  // namespace cross4d::msr_action3d
