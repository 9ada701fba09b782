// SPDX-License-Identifier: Apache-2.0
// On files that the test writes; dt4d_animals_data_test.cc has real animations.
#include "dt4d_animals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "anime_writer.h"
#include "tests/support/refusal.h"
#include "tests/support/temp_folder.h"

namespace cross4d::test {
namespace {

namespace fs = std::filesystem;
using dt4d_animals::Dt4dAnimals;
using dt4d_animals::OfficialIdentities;
using dt4d_animals::Options;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class Dt4dAnimalsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.root = root().string();
    options_.frames = 4;
    options_.points = 64;
    options_.normalise = "none";
  }
  fs::path root() const { return folder_ / "DeformingThings4D"; }
  fs::path FileOf(const std::string& name) const {
    return root() / "animals" / name / (name + ".anime");
  }
  void Add(const std::string& name, int frames) const {
    WriteText(FileOf(name), Tetrahedron(frames).Bytes());
  }
  Dt4dAnimals Open() const { return {options_, {}}; }

  TempFolder folder_;
  Options options_;
};

TEST_F(Dt4dAnimalsTest, TheSplitOfThePublishedIdentities) {
  for (const auto& identity : OfficialIdentities())
    WriteText(FileOf(std::string(identity.name) + "_Walk"), "x");
  const Dt4dAnimals data = Open();
  int tests = 0;
  for (const ClipInfo& clip : data.clips()) tests += clip.split == Split::kTest;
  EXPECT_THAT(data.clips(), SizeIs(59));
  EXPECT_EQ(tests, 10);
  EXPECT_THAT(data.class_names(), SizeIs(38));
  ASSERT_THAT(data.problems(), SizeIs(1));
  EXPECT_EQ(data.problems()[0].what, "has 59 sequences, 1772 of animals were published");
}

TEST_F(Dt4dAnimalsTest, LabelsAreCategoriesOrActions) {
  for (const char* name : {"foxYSY_Death1", "bear3EP_Dead", "bear84Q_WalkRM", "duck_Walk"})
    Add(name, 5);
  const auto labels = [&] {
    const Dt4dAnimals data = Open();
    std::vector<std::string> list;
    for (const ClipInfo& clip : data.clips()) {
      list.push_back(data.class_names()[static_cast<std::size_t>(clip.label)]);
    }
    return list;
  };
  EXPECT_THAT(labels(), ElementsAre("bear", "bear", "duck", "fox"));
  options_.label = "action";
  EXPECT_THAT(labels(), ElementsAre("death", "walk", "walk", "death"));
  EXPECT_EQ(Open().clips()[0].subject, 0);
  EXPECT_EQ(Open().clips()[3].subject, 3);
}

TEST_F(Dt4dAnimalsTest, SaysWhenTestClassesAreNeverTrained) {
  Add("donkeyQ1_Walk", 5);  // tests by its hash
  Add("bullQ1_Walk", 5);
  std::string log;
  Dt4dAnimals(options_, {1, "cpu", [&](std::string_view line) { log = line; }});
  EXPECT_THAT(log, AllOf(HasSubstr("category donkey"), HasSubstr("dataset.label")));
  log.clear();
  options_.label = "action";
  Dt4dAnimals(options_, {1, "cpu", [&](std::string_view line) { log = line; }});
  EXPECT_EQ(log, "");
}

TEST_F(Dt4dAnimalsTest, PointsStayOnTheirPlaceOfTheSurface) {
  Add("foxYSY_Walk", 6);
  options_.clips = "all";
  const Dt4dAnimals data = Open();
  ASSERT_THAT(data.clips(), SizeIs(3));
  const Clip clip = data.Load(0);
  ASSERT_THAT(clip.points.sizes(), ElementsAre(4, 64, 3));
  ASSERT_THAT(clip.correspondence.sizes(), ElementsAre(4, 64));
  EXPECT_EQ(clip.correspondence[3][17].item<std::int64_t>(), 17);
  for (int t = 0; t < 4; ++t) {  // the mesh grows by t / 10 and moves by t / 10 along x
    const auto expected = clip.points[0] * (1 + t / 10.0) + torch::tensor({t / 10.0f, 0.0f, 0.0f});
    EXPECT_TRUE(clip.points[t].allclose(expected, 1e-4, 1e-5)) << t;
  }
  // A later clip of the sequence has the same surface points.
  EXPECT_TRUE(data.Load(2).points[0].equal(clip.points[2]));
  options_.points = 16;
  EXPECT_TRUE(Open().Load(0).points.equal(clip.points.slice(1, 0, 16)));
  options_.sample_seed = 1;
  EXPECT_FALSE(Open().Load(0).points.equal(clip.points.slice(1, 0, 16)));
}

TEST_F(Dt4dAnimalsTest, ShortSequencesRepeatTheirLastFrame) {
  Add("foxYSY_Walk", 2);
  const Clip clip = Open().Load(0);
  EXPECT_TRUE(clip.points[3].equal(clip.points[1]));
  EXPECT_FALSE(clip.points[1].equal(clip.points[0]));
  options_.legacy_drop_short = true;
  EXPECT_THAT(Open().clips(), SizeIs(0));
}

TEST_F(Dt4dAnimalsTest, UnitSphereOverTheWholeClip) {
  Add("foxYSY_Walk", 4);
  options_.normalise = "unit-sphere";
  const torch::Tensor flat = Open().Load(0).points.reshape({-1, 3});
  EXPECT_NEAR(flat.norm(2, 1).max().item<double>(), 1, 1e-5);
  EXPECT_NEAR(flat.mean(0).abs().max().item<double>(), 0, 1e-5);
}

TEST_F(Dt4dAnimalsTest, UnreadableSequencesFailOrAreLeftOut) {
  Add("foxYSY_Walk", 4);
  Add("foxYSY_Run", 4);
  WriteText(FileOf("foxYSY_Run"), Tetrahedron(4).Bytes().substr(0, 210));
  EXPECT_THAT(Refusal([this] { Open().Load(0); }),
              AllOf(HasSubstr("foxYSY_Run.anime"), HasSubstr("truncated in frame 3")));
  options_.clips = "2";
  EXPECT_THAT(Refusal([this] { Open(); }), HasSubstr("truncated"));
  options_.on_error = "skip";
  const Dt4dAnimals data = Open();
  EXPECT_TRUE(data.skip_unreadable());
  EXPECT_THAT(data.clips(), SizeIs(1));
  EXPECT_EQ(data.problems().back().file, FileOf("foxYSY_Run").string());
}

TEST_F(Dt4dAnimalsTest, AMeshWithoutAreaIsNoSurface) {
  Anime flat = Tetrahedron(2);
  for (auto& triangle : flat.triangles) triangle = {0, 0, 1};
  WriteText(FileOf("foxYSY_Walk"), flat.Bytes());
  EXPECT_THAT(Refusal([this] { Open().Load(0); }),
              AllOf(HasSubstr("foxYSY_Walk.anime"), HasSubstr("frame 0"), HasSubstr("area")));
}

TEST_F(Dt4dAnimalsTest, OtherNamesAreListed) {
  Add("foxYSY_Walk", 4);
  Add("README", 4);
  const Dt4dAnimals data = Open();
  EXPECT_THAT(data.clips(), SizeIs(1));
  EXPECT_EQ(data.problems()[0].file, FileOf("README").string());
}

TEST_F(Dt4dAnimalsTest, FingerprintFollowsNamesAndSizes) {
  Add("foxYSY_Walk", 4);
  const std::string before = Open().Fingerprint();
  EXPECT_EQ(before, Open().Fingerprint());
  Add("foxYSY_Walk", 5);
  EXPECT_NE(before, Open().Fingerprint());
}

}  // namespace
}  // namespace cross4d::test
