// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <fstream>

#include "ntu_folder.h"

namespace cross4d::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

using NtuBadInput = NtuFolder;

constexpr const char* kVideo = "S001C001P001R001A001";

TEST_F(NtuBadInput, ImagesAreNamedWithWhatIsWrong) {
  const fs::path folder = root() / kVideo;
  AddImages(kVideo, {30, 30, 30, 30});
  WritePng(folder / "MDepth-00000003.png", {}, {.bits = 8});
  EXPECT_THAT(LoadError(), AllOf(HasSubstr("MDepth-00000003.png: at byte"), HasSubstr("8-bit")));
  WritePng(folder / "MDepth-00000003.png", Body(1));
  const std::string whole = ReadBytes(folder / "MDepth-00000003.png");
  WriteBytes(folder / "MDepth-00000003.png", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(LoadError(), AllOf(HasSubstr("MDepth-00000003.png"), HasSubstr("truncated")));
  fs::remove(folder / "MDepth-00000003.png");
  EXPECT_THAT(LoadError(),
              AllOf(HasSubstr("MDepth-00000003.png is missing (frame 2)"),
                    HasSubstr("3 frames, the last is MDepth-00000004.png")));
  fs::remove(folder / "MDepth-00000004.png");
  AddImages(kVideo, {0, 0});
  EXPECT_THAT(LoadError(), AllOf(HasSubstr(kVideo), HasSubstr("none of the clip's 4 frames")));
}

TEST_F(NtuBadInput, EmptyAndUnmaskedFoldersAreToldApart) {
  fs::create_directories(root() / kVideo);
  EXPECT_THAT(LoadError(), AllOf(HasSubstr(kVideo), HasSubstr("expected MDepth-00000001.png")));
  WritePng(root() / kVideo / "Depth-00000001.png", Block(9, 1000));
  EXPECT_THAT(LoadError(), AllOf(HasSubstr("unmasked"), HasSubstr("nturgb+d_depth_masked")));
}

TEST_F(NtuBadInput, PointFiles) {
  const fs::path file = root() / (std::string(kVideo) + ".npz");
  const std::string header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}";
  const auto npy = [](const std::string& text, const std::string& data) {
    const auto size = static_cast<std::uint16_t>(text.size());
    return std::string("\x93NUMPY\x01\x00", 8) +
           std::string(reinterpret_cast<const char*>(&size), 2) + text + data;
  };
  WriteNpz(file,
           "data",
           npy(header,
               "\x80\x02"
               "cposix\nsystem\n)R."));
  EXPECT_THAT(LoadError(), AllOf(HasSubstr(file.string()), HasSubstr("posix.system")));
  WriteNpz(file, "point_clouds", npy(header, ""));
  EXPECT_THAT(LoadError(), AllOf(HasSubstr("no array 'data'"), HasSubstr("point_clouds")));
  WriteNpz(file,
           "data",
           npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2)}", std::string(16, '\0')));
  EXPECT_THAT(LoadError(), AllOf(HasSubstr("shape (1, 2)"), HasSubstr("(N, 3)")));
  WriteNpz(file, "data", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4, 3)}", ""));
  EXPECT_THAT(LoadError(), HasSubstr("has no frame"));
  WritePoints(file, Frames({0, 0, 0}));
  EXPECT_THAT(LoadError(), HasSubstr("none of the clip's 4 frames has a point"));
  WritePoints(file, Frames({40, 41, 42}));
  EXPECT_THAT(LoadError(), SizeIs(0));
  const std::string whole = ReadBytes(file);
  WriteBytes(file, whole.substr(0, whole.size() / 2));
  EXPECT_THAT(LoadError(), HasSubstr(file.string()));
}

TEST_F(NtuBadInput, SaysWhichFolderLooksRight) {
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("holds no video"), Not(HasSubstr("looks right"))));
  AddImages(kVideo, {20});
  EXPECT_THAT(OpenError(), SizeIs(0));
  options_.root = (root() / kVideo).string();
  EXPECT_THAT(OpenError(),
              AllOf(HasSubstr("the folder of one video"), HasSubstr("parent, " + root().string())));
  options_.root = folder_.path().string() + "/";
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("looks right"), HasSubstr(root().string())));
  fs::create_directories(root() / "lists");
  options_.root = (root() / "lists").string();
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("parent looks right"), HasSubstr(root().string())));
  options_.root = (folder_ / "nowhere").string();
  EXPECT_THAT(OpenError(), HasSubstr("is no folder"));
  options_.root = root().string();
  WriteBytes(root() / "S001C001P001R001A002.npz", "x");
  EXPECT_THAT(OpenError(), HasSubstr("say which with dataset.form"));
  options_.form = "images";
  EXPECT_THAT(Ids(), ElementsAre(kVideo));
  fs::remove_all(root() / kVideo);
  EXPECT_THAT(OpenError(), HasSubstr("no video in the form \"images\", but .npz files"));
}

TEST_F(NtuBadInput, SkippingLeavesOutWhatTheIndexFinds) {
  AddImages("S001C001P001R001A001", {20, 20, 20, 20, 20});
  fs::create_directories(root() / "S001C001P001R001A002");
  options_.clips = "all";  // needs every video's length
  EXPECT_THAT(OpenError(), HasSubstr("S001C001P001R001A002"));
  options_.on_error = "skip";
  const auto skipping = Open();
  EXPECT_TRUE(skipping.skip_unreadable());
  EXPECT_THAT(skipping.clips(), SizeIs(1));
  ASSERT_THAT(skipping.problems(), SizeIs(1));
  EXPECT_THAT(skipping.problems()[0].file, HasSubstr("S001C001P001R001A002"));
  options_.list = (folder_ / "my.list").string();
  WriteBytes(options_.list, "S001C001P001R001A001 5\nS001C001P001R001A009 5\n");
  ASSERT_THAT(Open().problems(), SizeIs(1));
  EXPECT_THAT(Open().problems()[0].what, HasSubstr("is missing, but listed in"));
  options_.on_error = "fail";
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("S001C001P001R001A009"), HasSubstr("is missing")));
  options_.list = (folder_ / "none.list").string();
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("none.list"), HasSubstr("cannot be opened")));
}

}  // namespace
}  // namespace cross4d::test
