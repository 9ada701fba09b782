// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/error.h>
#include <cross4d/sdk/random.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "npz_writer.h"
#include "tests/support/refusal.h"
#include "tests/support/temp_folder.h"
#include "video_frames.h"

namespace cross4d::msr_action3d {
namespace {

using test::BytesOf;
using test::Npy;
using test::Npz;
using test::ObjectNpy;
using test::PublishedPoints;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class PointVideoTest : public ::testing::Test {
 protected:
  std::filesystem::path Write(const std::string& npz) const {
    test::WriteText(folder_ / "v.npz", npz);
    return folder_ / "v.npz";
  }
  std::string Problem(const std::string& npz) const {
    return test::Refusal(
        [&] {
          const auto video = OpenVideo(Write(npz));
          std::vector<Pixel> pixels;
          for (std::int64_t t = 0; t < video->count(); ++t) video->Read(t, &pixels);
        },
        ErrorCode::kInput);
  }
  test::TempFolder folder_;
};

// Two frames of 3 and 2 points, in every type that the community's tools leave behind.
TEST_F(PointVideoTest, ReadsObjectArraysOfAnyNumericType) {
  const auto three = PublishedPoints(3, 700), two = PublishedPoints(2, 560);
  const std::vector<std::string> files = {
      ObjectNpy({{{3, 3}, BytesOf<double>(three)}, {{2, 3}, BytesOf<double>(two)}}),
      ObjectNpy({{{3, 3}, BytesOf<float>(three), "f4"}, {{2, 3}, BytesOf<float>(two), "f4"}}),
      ObjectNpy({{{3, 3}, BytesOf<double>(three)}, {{2, 3}, BytesOf<double>(two)}},
                "numpy._core.multiarray\n_reconstruct\n")};
  for (const std::string& npy : files) {
    for (const bool zip64 : {true, false}) {
      const auto path = Write(Npz("point_clouds", npy, zip64));
      EXPECT_EQ(CountFrames(path), 2);
      const auto video = OpenVideo(path);
      ASSERT_EQ(video->count(), 2);
      std::vector<Pixel> pixels;
      video->Read(1, &pixels);
      ASSERT_THAT(pixels, SizeIs(2));
      EXPECT_EQ(pixels[1].column, 151);
      EXPECT_EQ(pixels[1].row, 100);
      EXPECT_EQ(pixels[1].depth, 560);
      video->Read(0, &pixels);
      EXPECT_THAT(pixels, SizeIs(3));
    }
  }
}

TEST_F(PointVideoTest, WholeNumbersAndColumnsFirst) {
  // (2, 3) in column order: x of both points, then y, then z.
  const auto video = OpenVideo(Write(
      Npz("point_clouds",
          ObjectNpy({{{2, 3}, BytesOf<std::int64_t>({0, 40, -10, 20, 280, 560}), "i8", true}}))));
  std::vector<Pixel> pixels;
  video->Read(0, &pixels);
  ASSERT_THAT(pixels, SizeIs(2));
  EXPECT_EQ(pixels[0].column, 160);
  EXPECT_EQ(pixels[0].row, 110);
  EXPECT_EQ(pixels[1].column, 180);
  EXPECT_EQ(pixels[1].row, 130);
  EXPECT_EQ(pixels[1].depth, 560);
}

TEST_F(PointVideoTest, EqualCountsAreOnePlainArray) {
  auto values = PublishedPoints(2, 700);
  const auto more = PublishedPoints(2, 560);
  values.insert(values.end(), more.begin(), more.end());
  const auto path = Write(Npz("point_clouds", Npy({2, 2, 3}, BytesOf<double>(values))));
  EXPECT_EQ(CountFrames(path), 2);
  std::vector<Pixel> pixels;
  OpenVideo(path)->Read(1, &pixels);
  ASSERT_THAT(pixels, SizeIs(2));
  EXPECT_EQ(pixels[0].depth, 560);
}

TEST_F(PointVideoTest, PointsWithoutDepthAreBackground) {
  auto values = PublishedPoints(3, 700);
  values[2] = values[5] = 0;
  const auto video = OpenVideo(
      Write(Npz("point_clouds", ObjectNpy({{{3, 3}, BytesOf<double>(values)}, {{0, 3}, ""}}))));
  std::vector<Pixel> pixels;
  video->Read(0, &pixels);
  EXPECT_THAT(pixels, SizeIs(1));
  video->Read(1, &pixels);
  EXPECT_THAT(pixels, SizeIs(0));
}

TEST_F(PointVideoTest, NamesWhatIsWrong) {
  const std::string good = BytesOf<double>(PublishedPoints(2, 700));
  EXPECT_THAT(Problem(Npz("data", ObjectNpy({{{2, 3}, good}}))),
              AllOf(HasSubstr("v.npz"), HasSubstr("no array 'point_clouds'"), HasSubstr("data")));
  EXPECT_THAT(Problem(Npz("point_clouds", ObjectNpy({}))),
              AllOf(HasSubstr("0 frames"), HasSubstr("at least 1")));
  EXPECT_THAT(Problem(Npz("point_clouds", ObjectNpy({{{2, 3}, good}, {{3, 2}, good}}))),
              AllOf(HasSubstr("frame 1"), HasSubstr("(3, 2)"), HasSubstr("expected (N, 3)")));
  EXPECT_THAT(Problem(Npz("point_clouds", Npy({2, 3}, good))),
              AllOf(HasSubstr("(2, 3)"), HasSubstr("one (N, 3) array per frame")));
  auto bad = PublishedPoints(2, 700);
  bad[4] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(Problem(Npz("point_clouds", ObjectNpy({{{2, 3}, BytesOf<double>(bad)}}))),
              AllOf(HasSubstr("frame 0"), HasSubstr("not finite")));
  EXPECT_THAT(Problem(Npz("point_clouds", ObjectNpy({{{2, 3}, good.substr(8)}}))),
              AllOf(HasSubstr("element 0"), HasSubstr("more than the 40 bytes")));
  std::string cut = Npz("point_clouds", ObjectNpy({{{2, 3}, good}}));
  cut.resize(cut.size() / 2);
  EXPECT_THAT(Problem(cut), AllOf(HasSubstr("v.npz"), HasSubstr("zip")));
}

// Nothing that a stream names is ever run.
TEST_F(PointVideoTest, UnknownGlobalsAreRefusedByName) {
  const std::string good = BytesOf<double>(PublishedPoints(2, 700));
  EXPECT_THAT(Problem(Npz("point_clouds", ObjectNpy({{{2, 3}, good}}, "os\nsystem\n"))),
              AllOf(HasSubstr("v.npz"), HasSubstr("os.system")));
}

// A short run over damaged files in every test run; tests/fuzz holds the long one.
TEST_F(PointVideoTest, DamagedFilesEndInAnErrorOrAVideo) {
  const std::string points = BytesOf<double>(PublishedPoints(4, 700));
  const std::string seed = Npz("point_clouds", ObjectNpy({{{4, 3}, points}, {{4, 3}, points}}));
  EXPECT_EQ(Problem(seed), "");
  int refused = 0;
  for (std::uint64_t round = 0; round < 3000; ++round) {
    RandomStream random(MixSeed({round}));
    std::string bytes = seed;
    for (std::uint64_t i = random.Below(3) + 1; i > 0; --i) {
      bytes[random.Below(bytes.size())] = static_cast<char>(random.Below(256));
    }
    if (random.Below(8) == 0) bytes.resize(random.Below(bytes.size()));
    refused += Problem(bytes).empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 2000);
}

}  // namespace
}  // namespace cross4d::msr_action3d
