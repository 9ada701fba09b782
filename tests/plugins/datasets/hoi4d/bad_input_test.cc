// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <fstream>

#include "hoi4d_folder.h"

namespace cross4d::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using Hoi4dBadInput = Hoi4dFolder;

TEST_F(Hoi4dBadInput, SaysWhichFolderLooksRight) {
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("holds no sequence"), Not(HasSubstr("looks right"))));
  Write("train1.h5");
  EXPECT_THAT(OpenError(), IsEmpty());
  options_.root = folder_.path().string();
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("looks right"), HasSubstr(root().string())));
  fs::create_directories(root() / "notes");
  options_.root = (root() / "notes").string() + "/";
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("parent looks right"), HasSubstr(root().string())));
  options_.root = (folder_ / "nowhere").string();
  EXPECT_THAT(OpenError(), HasSubstr("does not exist"));
  options_.root = root().string();
  options_.form = "npz";
  EXPECT_THAT(OpenError(), HasSubstr("holds no sequence of the form \"npz\""));
  options_.form = "auto";
  options_.root = (root() / "train1.h5").string();
  EXPECT_THAT(Ids(), ElementsAre("train1/0000", "train1/0001*"));
}

TEST_F(Hoi4dBadInput, SkippingLeavesOutUnreadableFiles) {
  Write("train1.h5");
  WriteOtherHdf5(root() / "train2.h5");
  Write("train4.h5");
  EXPECT_THAT(OpenError(), HasSubstr("number 3 is missing before train4.h5"));
  options_.on_error = "skip";
  const hoi4d::Hoi4d data = Open();
  EXPECT_TRUE(data.skip_unreadable());
  EXPECT_THAT(Ids(), ElementsAre("train1/0000", "train1/0001*", "train4/0000", "train4/0001*"));
  ASSERT_THAT(data.problems(), SizeIs(2));
  EXPECT_THAT(data.problems()[0].what, HasSubstr("number 3 is missing"));
  EXPECT_THAT(data.problems()[1].file, HasSubstr("train2.h5"));
  options_.on_error = "fail";
  Write("train3.h5");
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("train2.h5"), HasSubstr("points (5 x 3)")));
  Write("train2.h5");
  fs::resize_file(root() / "train2.h5", fs::file_size(root() / "train2.h5") / 2);
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("train2.h5"), HasSubstr("truncated")));
}

TEST_F(Hoi4dBadInput, LabelsOutsideTheTableAreNamed) {
  Hdf5Spec spec;
  spec.labels = "label";
  spec.frames = 25;
  Write("train1.h5", spec);
  options_.task = "action";
  EXPECT_THAT(LoadError(), IsEmpty());
  fs::create_directories(root() / "text" / "semantic_segmentation_label");
  options_.root = (root() / "text").string();
  options_.task = "semantic";
  std::ofstream(root() / "text" / "semantic_segmentation_label" / "0.txt") << "1 2 3 49 1\n";
  EXPECT_THAT(LoadError(), AllOf(HasSubstr("0.txt: label 49"), HasSubstr("expected 0 to 48")));
}

}  // namespace
}  // namespace cross4d::test
