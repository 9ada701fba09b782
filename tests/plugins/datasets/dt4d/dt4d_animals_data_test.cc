// SPDX-License-Identifier: Apache-2.0
// On the CC0 animations in $CROSS4D_TEST_DATA/data/animals-cc0 (10 animals x 6 actions x 16 frames,
// stand-ins for DeformingThings4D) and the sample in format_samples/dt4d.
#include <cross4d/sdk/random.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "anime_file.h"
#include "dt4d_animals.h"

namespace cross4d::dt4d_animals {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class Dt4dAnimalsData : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("CROSS4D_TEST_DATA");
    data_ = std::filesystem::path(data == nullptr ? "" : data) / "data";
    options_.root = (data_ / "animals-cc0").string();
    if (!std::filesystem::is_directory(options_.root)) {
      GTEST_SKIP() << "no animals at '" << options_.root << "'; set CROSS4D_TEST_DATA";
    }
  }
  std::set<std::string> TestIdentities() const {
    const Dt4dAnimals data(options_, {});
    std::set<std::string> names;
    for (const ClipInfo& clip : data.clips()) {
      if (clip.split == Split::kTest) names.insert(clip.id.substr(0, clip.id.find('_')));
    }
    return names;
  }
  std::filesystem::path data_;
  Options options_;
};

TEST_F(Dt4dAnimalsData, SixtySequencesOfTenAnimals) {
  const Dt4dAnimals data(options_, {});
  EXPECT_THAT(data.clips(), SizeIs(60));
  EXPECT_THAT(data.problems(), SizeIs(0));
  EXPECT_THAT(data.class_names(),
              ElementsAre("alpaca",
                          "bull",
                          "deer",
                          "donkey",
                          "fox",
                          "horse",
                          "huskydog",
                          "shibadog",
                          "stag",
                          "wolf"));
  EXPECT_THAT(TestIdentities(), ElementsAre("alpacaQ1", "donkeyQ1", "horseQ1"));
}

TEST_F(Dt4dAnimalsData, ActionsOfTheAnimals) {
  options_.label = "action";
  const Dt4dAnimals data(options_, {});
  EXPECT_THAT(data.class_names(),
              ElementsAre("attack", "death", "eating", "gallop", "idle", "walk"));
  std::map<std::int64_t, int> counts;
  for (const ClipInfo& clip : data.clips()) ++counts[clip.label];
  for (const auto& [label, n] : counts) EXPECT_EQ(n, 10) << label;
}

TEST_F(Dt4dAnimalsData, TwoOfSixMotionsTest) {
  options_.split = "cross-sequence";
  const Dt4dAnimals data(options_, {});
  std::map<std::int64_t, int> tests;
  for (const ClipInfo& clip : data.clips()) tests[clip.label] += clip.split == Split::kTest;
  EXPECT_THAT(tests, SizeIs(10));
  for (const auto& [label, n] : tests) EXPECT_EQ(n, 2) << label;
}

TEST_F(Dt4dAnimalsData, EveryFileIsAnAnimalThatStands) {
  options_.points = 512;
  options_.normalise = "none";
  const Dt4dAnimals data(options_, {});
  for (std::size_t i = 0; i < data.clips().size(); ++i) {
    const Clip clip = data.Load(static_cast<std::int64_t>(i));
    ASSERT_THAT(clip.points.sizes(), ElementsAre(16, 512, 3)) << data.clips()[i].id;
    EXPECT_TRUE(clip.points.isfinite().all().item<bool>());
    const torch::Tensor low = std::get<0>(clip.points[0].min(0)),
                        high = std::get<0>(clip.points[0].max(0));
    EXPECT_NEAR(low[2].item<float>(), 0, 0.2) << data.clips()[i].id;  // feet on the ground, z up
    EXPECT_GT((high - low)[1].item<float>(), (high - low)[0].item<float>());  // along y
    EXPECT_FALSE(clip.points[0].equal(clip.points[8])) << data.clips()[i].id;
  }
}

// A surface point of frame 0 and its position later belong to one triangle: near neighbours stay
// near, while arbitrary pairs do not.
TEST_F(Dt4dAnimalsData, CorrespondenceFollowsTheSurface) {
  options_.points = 256;
  const Dt4dAnimals data(options_, {});
  const Clip clip = data.Load(3);
  const torch::Tensor before = torch::cdist(clip.points[0], clip.points[0]);
  const torch::Tensor after = torch::cdist(clip.points[8], clip.points[8]);
  const torch::Tensor near = before.lt(0.03f);
  EXPECT_LT((before - after).abs().masked_select(near).max().item<float>(), 0.1f);
}

// A change of these bytes needs a new version of the plugin, as results of the old ones stay valid.
TEST_F(Dt4dAnimalsData, BytesStayTheSame) {
  const Dt4dAnimals data(options_, {});
  std::uint64_t points = 0;
  for (std::int64_t i = 0; i < 60; i += 7) {
    const torch::Tensor p = data.Load(i).points;
    const std::string_view bytes(static_cast<const char*>(p.const_data_ptr()), p.nbytes());
    points = MixSeed({points, HashText(bytes)});
  }
  EXPECT_EQ(points, 7716354296829780257u);
  EXPECT_EQ(data.Fingerprint(), "60 files, d3de462814b977af");
}

TEST_F(Dt4dAnimalsData, SameInTwoThreads) {
  options_.points = 128;
  const Dt4dAnimals data(options_, {});
  Clip there;
  std::thread other([&] { there = data.Load(12); });
  data.Load(7);
  const Clip here = data.Load(12);
  other.join();
  EXPECT_TRUE(here.points.equal(there.points));
}

TEST_F(Dt4dAnimalsData, TheSampleAddsToFrameZero) {
  AnimeFile file((data_ / "format_samples/dt4d/tinyTT1_Move0.anime").string());
  EXPECT_EQ(file.frames(), 3);
  EXPECT_EQ(file.vertices(), 4);
  EXPECT_THAT(file.triangles(), SizeIs(4));
  std::vector<float> xyz;
  file.ReadFrame(2, &xyz);
  for (std::size_t i = 0; i < xyz.size(); ++i)
    EXPECT_FLOAT_EQ(xyz[i], file.first_frame()[i] + 0.25f);
}

}  // namespace
}  // namespace cross4d::dt4d_animals
