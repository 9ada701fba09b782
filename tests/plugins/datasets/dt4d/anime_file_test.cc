// SPDX-License-Identifier: Apache-2.0
#include "anime_file.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/random.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "anime_writer.h"
#include "tests/support/refusal.h"
#include "tests/support/temp_folder.h"

namespace cross4d::dt4d_animals {
namespace {

using test::Anime;
using test::Tetrahedron;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string Problem(const std::string& bytes) {
  return test::Refusal(
      [&] {
        AnimeFile file("f.anime", bytes);
        std::vector<float> xyz;
        for (std::int64_t t = 0; t < file.frames(); ++t) file.ReadFrame(t, &xyz);
      },
      ErrorCode::kInput);
}

// The bytes with the 32-bit number at `at` replaced.
std::string With(std::string bytes, std::size_t at, std::int32_t value) {
  return bytes.replace(at, 4, reinterpret_cast<const char*>(&value), 4);
}

TEST(AnimeFile, OffsetsAreFromFrameZero) {
  Anime anime = Tetrahedron(1);
  anime.offsets = {std::vector<float>(12, 0.1f), std::vector<float>(12, 0.25f)};
  AnimeFile file("f.anime", anime.Bytes());
  EXPECT_EQ(file.frames(), 3);
  EXPECT_EQ(file.vertices(), 4);
  ASSERT_THAT(file.triangles(), SizeIs(4));
  EXPECT_THAT(file.triangles()[3], ElementsAre(1, 2, 3));
  std::vector<float> xyz;
  file.ReadFrame(2, &xyz);  // not 0.35, which a sum over the frames would give
  EXPECT_THAT(std::vector(xyz.begin(), xyz.begin() + 6),
              ElementsAre(FloatEq(0.25f),
                          FloatEq(0.25f),
                          FloatEq(0.25f),
                          FloatEq(1.25f),
                          FloatEq(0.25f),
                          FloatEq(0.25f)));
  file.ReadFrame(0, &xyz);
  EXPECT_EQ(xyz, anime.first);
}

TEST(AnimeFile, OneFrameHasNoOffsets) {
  const test::TempFolder folder;
  test::WriteText(folder / "still.anime", Tetrahedron(1).Bytes());
  AnimeFile file((folder / "still.anime").string());
  EXPECT_EQ(file.frames(), 1);
  test::WriteText(folder / "moving.anime", Tetrahedron(7).Bytes());
  EXPECT_EQ(AnimeFile::CountFrames((folder / "moving.anime").string()), 7);
  EXPECT_THAT(test::Refusal([&] { AnimeFile::CountFrames((folder / "gone.anime").string()); }),
              AllOf(HasSubstr("gone.anime"), HasSubstr("cannot be opened")));
}

TEST(AnimeFile, SizeAndHeaderMustAgree) {
  const std::string good = Tetrahedron(3).Bytes();  // 12 + 48 + 48 + 2 * 48 bytes
  EXPECT_EQ(Problem(good), "");
  EXPECT_THAT(Problem(""), AllOf(HasSubstr("has 0 bytes"), HasSubstr("header of 12")));
  EXPECT_THAT(Problem(good.substr(0, 80)),
              AllOf(HasSubstr("f.anime: 80 bytes, expected 204 for 3 frames of 4 vertices"),
                    HasSubstr("truncated in the mesh of frame 0")));
  EXPECT_THAT(Problem(good.substr(0, 190)), HasSubstr("truncated in frame 2"));
  EXPECT_THAT(Problem(good + "x"), HasSubstr("205 bytes, expected 204"));
  EXPECT_THAT(Problem(With(good, 0, 0)), HasSubstr("at byte 0: 0 frames, expected 1 to"));
  EXPECT_THAT(Problem(With(good, 4, -1)), HasSubstr("at byte 4: -1 vertices"));
  EXPECT_THAT(Problem(With(good, 8, 0)), HasSubstr("at byte 8: 0 triangles"));
  EXPECT_THAT(Problem(With(With(good, 0, 100000000), 4, 100000000)),
              AllOf(HasSubstr("204 bytes"), HasSubstr("truncated")));
}

TEST(AnimeFile, TrianglesMustHaveTheirVertices) {
  const std::string good = Tetrahedron(2).Bytes();
  const std::size_t third = 12 + 48 + 2 * 12;
  EXPECT_THAT(Problem(With(good, third + 4, 4)),
              AllOf(HasSubstr("at byte 84: triangle 2 has vertex 4"), HasSubstr("0 to 3")));
  EXPECT_THAT(Problem(With(good, third, -1)), HasSubstr("triangle 2 has vertex -1"));
}

TEST(AnimeFile, CoordinatesMustBeNumbers) {
  Anime anime = Tetrahedron(3);
  anime.offsets[1][7] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(Problem(anime.Bytes()), HasSubstr("frame 2, vertex 2: a coordinate is not finite"));
  anime.first[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(Problem(anime.Bytes()), HasSubstr("frame 0, vertex 0"));
}

// A short run over damaged files in every test run; tests/fuzz holds the long one.
TEST(AnimeFile, DamagedFilesEndInAnErrorOrAMesh) {
  int refused = 0;
  for (std::uint64_t round = 0; round < 5000; ++round) {
    RandomStream random(MixSeed({round}));
    std::string bytes = Tetrahedron(3).Bytes();
    for (std::uint64_t i = random.Below(4) + 1; i > 0; --i) {
      const std::size_t at = random.Below(random.Below(3) == 0 ? 12 : bytes.size());
      bytes[at] = static_cast<char>(random.Below(256));
      if (random.Below(8) == 0) bytes.resize(random.Below(bytes.size() - 12) + 12);
    }
    refused += Problem(bytes).empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 1000);
  EXPECT_LT(refused, 5000);
}

}  // namespace
}  // namespace cross4d::dt4d_animals
