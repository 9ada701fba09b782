// SPDX-License-Identifier: Apache-2.0
#include "index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "anime_writer.h"
#include "tests/support/refusal.h"
#include "tests/support/temp_folder.h"

namespace cross4d::dt4d_animals {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class IndexTest : public ::testing::Test {
 protected:
  void Add(const fs::path& folder, const std::string& name) const {
    test::WriteText(folder / name / (name + ".anime"), "x");
    fs::create_directories(folder / name / "screenshots");
  }
  static std::vector<std::string> Names(const Index& index) {
    std::vector<std::string> names;
    for (const Sequence& s : index.sequences) names.push_back(s.name.name);
    return names;
  }
  static std::string Problem(const fs::path& root) {
    return test::Refusal([&] { ListSequences(root); }, ErrorCode::kInput);
  }
  fs::path root() const { return folder_ / "DeformingThings4D"; }
  test::TempFolder folder_;
};

TEST_F(IndexTest, AnimalsInTheirFolders) {
  for (const char* name : {"foxYSY_Walk", "bear3EP_Agression", "duck_swim"})
    Add(root() / "animals", name);
  Add(root() / "humanoids", "amy_Dance");
  EXPECT_THAT(Names(ListSequences(root())),
              ElementsAre("bear3EP_Agression", "duck_swim", "foxYSY_Walk"));
  EXPECT_THAT(Names(ListSequences(root() / "animals")), SizeIs(3));
}

TEST_F(IndexTest, FilesWithoutFoldersAndWhatIsLeftOut) {
  Add(root(), "foxYSY_Walk");
  test::WriteText(root() / "foxYSY_Walk.anime", "x");
  test::WriteText(root() / "foxYSY_Run.anime", "x");
  test::WriteText(root() / "README.anime", "x");
  test::WriteText(root() / "index.csv", "x");
  const Index index = ListSequences(root());
  EXPECT_THAT(Names(index), ElementsAre("foxYSY_Run", "foxYSY_Walk"));
  EXPECT_THAT(index.other, ElementsAre(root() / "README.anime"));
  EXPECT_THAT(index.doubled, SizeIs(1));
}

TEST_F(IndexTest, SaysWhichFolderLooksRight) {
  EXPECT_THAT(Problem(root()), HasSubstr("is no folder"));
  fs::create_directories(root());
  EXPECT_THAT(Problem(root()), AllOf(HasSubstr("is empty"), HasSubstr("animals/NAME/NAME.anime")));
  Add(root() / "animals", "foxYSY_Walk");
  EXPECT_THAT(Problem(folder_.path()),
              HasSubstr("the folder " + root().string() + " in it looks right"));
  fs::create_directories(root() / "humanoids");
  EXPECT_THAT(Problem(root() / "humanoids"),
              HasSubstr("its parent looks right: give " + root().string()));
  EXPECT_THAT(Problem(root() / "animals" / "foxYSY_Walk"),
              AllOf(HasSubstr("the folder of one sequence"),
                    HasSubstr("give " + (root() / "animals").string())));
}

std::vector<Sequence> Sequences(const std::vector<std::string>& names) {
  std::vector<Sequence> sequences;
  for (const std::string& name : names) sequences.push_back({*ParseName(name), {}});
  return sequences;
}

TEST(CrossSequence, AQuarterOfEveryCategorysMotions) {
  std::vector<std::string> names = {"yakA1_Walk", "goatA1_Walk", "goatA1_Run"};
  for (int i = 0; i < 40; ++i) names.push_back("bearA1_M" + std::to_string(i) + "x");
  const auto sequences = Sequences(names);
  const auto tests = CrossSequenceTests(sequences);
  std::map<std::string, int> count;
  for (std::size_t i = 0; i < names.size(); ++i) count[sequences[i].name.category] += tests[i];
  EXPECT_EQ(count["yak"], 0);  // a single one trains
  EXPECT_EQ(count["goat"], 1);
  EXPECT_EQ(count["bear"], 10);
}

TEST(CrossSequence, SidesDoNotDependOnTheOrder) {
  std::vector<std::string> names;
  for (int i = 0; i < 30; ++i)
    names.push_back("bearA" + std::to_string(i % 5) + "_M" + std::to_string(i) + "x");
  const auto forward = CrossSequenceTests(Sequences(names));
  std::reverse(names.begin(), names.end());
  auto backward = CrossSequenceTests(Sequences(names));
  std::reverse(backward.begin(), backward.end());
  EXPECT_EQ(forward, backward);
}

TEST(CrossSequence, RootMotionStaysWithItsMotion) {
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i) {
    names.push_back("bearA1_M" + std::to_string(i));
    names.push_back("bearA1_M" + std::to_string(i) + "RM");
  }
  const auto tests = CrossSequenceTests(Sequences(names));
  for (std::size_t i = 0; i < tests.size(); i += 2) EXPECT_EQ(tests[i], tests[i + 1]);
}

}  // namespace
}  // namespace cross4d::dt4d_animals
