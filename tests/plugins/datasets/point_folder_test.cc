// SPDX-License-Identifier: Apache-2.0
#include "point_folder.h"

#include "core/conformance/conformance.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/support/temp_folder.h"

namespace cross4d::test {
namespace {

namespace fs = std::filesystem;
using point_folder::Options;
using point_folder::PointFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <class T>
std::string Npy(const std::string& type, const std::string& shape, const std::vector<T>& values) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  const auto length = static_cast<std::uint16_t>(header.size());
  std::string file("\x93NUMPY\x01\x00", 8);
  file.append(reinterpret_cast<const char*>(&length), 2);
  file += header;
  file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  return file;
}

// Point n of frame t is (t, n, t * n / 8).
std::vector<float> Values(int frames, int points) {
  std::vector<float> values;
  for (int t = 0; t < frames; ++t) {
    for (int n = 0; n < points; ++n) {
      values.insert(values.end(),
                    {static_cast<float>(t), static_cast<float>(n), static_cast<float>(t * n) / 8});
    }
  }
  return values;
}

std::string Clip(int frames, int points) {
  return Npy("<f4",
             std::to_string(frames) + ", " + std::to_string(points) + ", 3",
             Values(frames, points));
}

std::string Xyz(int frame, int points) {
  std::string text;
  for (int n = 0; n < points; ++n) {
    text += std::to_string(frame) + " " + std::to_string(n) + " 0\n";
  }
  return text;
}

class PointFolderTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& bytes) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  void WriteNpz(const std::string& name, const std::map<std::string, std::string>& arrays) const {
    zip* archive = zip_open((folder_ / name).c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
    for (const auto& [array, bytes] : arrays) {
      zip_file_add(archive,
                   (array + ".npy").c_str(),
                   zip_source_buffer(archive, bytes.data(), bytes.size(), 0),
                   ZIP_FL_OVERWRITE);
    }
    ASSERT_EQ(zip_close(archive), 0);
  }
  // Three clips in three forms.
  void WriteMixed() const {
    Write("clips.csv",
          "id,label,split,subject,video,path\n"
          "walk,move,train,1,v1,\nstill,rest,test,2,,sub/still.npz\nfall,move,train,1,v1,\n");
    Write("walk.npy", Clip(6, 40));
    Write("sub/readme.txt", "");
    WriteNpz("sub/still.npz", {{"cloud", Clip(5, 40)}});
    for (int t = 0; t < 4; ++t) {
      Write("fall/frame" + std::to_string(2 * t) + ".xyz", Xyz(2 * t, 30));
    }
  }
  Options Small() const {
    Options o;
    o.root = folder_.path().string();
    o.frames = 3;
    o.points = 16;
    return o;
  }
  PointFolder Open(const Options& options) const { return {options, {}}; }
  std::string Refused(const Options& options, std::int64_t clip = 0) const {
    try {
      Open(options).Load(clip);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInput);
      return e.what();
    }
    return "no error";
  }

  TempFolder folder_;
};

TEST_F(PointFolderTest, ReadsFilesAndFoldersOfTheTable) {
  WriteMixed();
  const PointFolder data = Open(Small());
  ASSERT_THAT(data.clips(), SizeIs(3));
  EXPECT_THAT(data.class_names(), ElementsAre("move", "rest"));
  EXPECT_EQ(data.clips()[0].id, "walk");
  EXPECT_EQ(data.clips()[0].video, "v1");
  EXPECT_EQ(data.clips()[1].label, 1);
  EXPECT_EQ(data.clips()[1].split, Split::kTest);
  EXPECT_EQ(data.clips()[1].video, "still");
  EXPECT_EQ(data.clips()[2].subject, 1);
  for (std::int64_t i = 0; i < 3; ++i) {
    const torch::Tensor points = data.Load(i).points;
    ASSERT_EQ(points.sizes(), (std::vector<std::int64_t>{3, 16, 3}));
    // First, middle and last frame; the points of a frame are different ones.
    const std::vector<std::vector<float>> x = {{0, 2, 5}, {0, 2, 4}, {0, 4, 6}};
    for (std::int64_t t = 0; t < 3; ++t) {
      EXPECT_TRUE((points[t].select(1, 0) == x[i][t]).all().item<bool>()) << i << " " << t;
      std::set<float> ids;
      for (std::int64_t n = 0; n < 16; ++n) ids.insert(points[t][n][1].item<float>());
      EXPECT_THAT(ids, SizeIs(16));
    }
  }
}

TEST_F(PointFolderTest, SamplesByClipAndFrameOnly) {
  WriteMixed();
  Options options = Small();
  const torch::Tensor few = Open(options).Load(0).points;
  options.points = 32;
  const torch::Tensor many = Open(options).Load(0).points;
  EXPECT_TRUE(torch::equal(few, many.slice(1, 0, 16)));
  options.sample_seed = 1;
  EXPECT_FALSE(torch::equal(many, Open(options).Load(0).points));
  // Another order of the table does not change a clip.
  Write("clips.csv", "id,label,split\nfall,move,train\nwalk,move,test\n");
  EXPECT_TRUE(torch::equal(few, Open(Small()).Load(1).points));
}

TEST_F(PointFolderTest, StridesMakeSeveralClipsOfAFile) {
  WriteMixed();
  Options options = Small();
  options.frame_mode = "stride";
  options.clips = "all";
  const PointFolder data = Open(options);
  std::vector<std::string> ids;
  for (const ClipInfo& clip : data.clips()) ids.push_back(clip.id);
  EXPECT_THAT(ids,
              ElementsAre("walk@0",
                          "walk@1",
                          "walk@2",
                          "walk@3",
                          "still@0",
                          "still@1",
                          "still@2",
                          "fall@0",
                          "fall@1"));
  EXPECT_EQ(data.clips()[2].video, "v1");
  EXPECT_EQ(data.Load(2).points[0][0][0].item<float>(), 2);
  options.frames = 5;
  options.clips = "centre";
  const torch::Tensor padded = Open(options).Load(2).points;
  EXPECT_TRUE(torch::equal(padded[4], padded[3])) << "the last frame is repeated";
}

TEST_F(PointFolderTest, NormalisesTheClip) {
  WriteMixed();
  Options options = Small();
  const torch::Tensor plain = Open(options).Load(0).points;
  options.normalise = "divide";
  options.divisor = 4;
  EXPECT_TRUE(torch::equal(Open(options).Load(0).points, plain / 4));
  options.normalise = "unit-sphere";
  const torch::Tensor unit = Open(options).Load(0).points.view({-1, 3});
  EXPECT_NEAR(unit.norm(2, 1).max().item<float>(), 1, 1e-6);
  EXPECT_LT(unit.mean(0).abs().max().item<float>(), 1e-6);
}

TEST_F(PointFolderTest, LabelsComeWithThePoints) {
  std::vector<std::int16_t> labels;
  for (int i = 0; i < 6 * 40; ++i) labels.push_back(static_cast<std::int16_t>(i % 40 % 3 - 1));
  Write("clips.csv", "id,label,split\na,0,train\nb,1,test\nc,1,test\n");
  Write("a.npy", Clip(6, 40));
  Write("a.labels.npy", Npy("<i2", "6, 40", labels));
  WriteNpz("b.npz", {{"points", Clip(6, 40)}, {"labels", Npy("<i2", "6, 40", labels)}});
  std::string lines;
  for (int n = 0; n < 40; ++n) lines += std::to_string(n % 3 - 1) + "\n";
  for (int t = 0; t < 3; ++t) {
    Write("c/" + std::to_string(t) + ".xyz", Xyz(t, 40));
    Write("c/" + std::to_string(t) + ".labels.txt", lines);
  }
  Options options = Small();
  options.part_names = {"left", "right"};
  const PointFolder data = Open(options);
  EXPECT_THAT(data.part_names(), ElementsAre("left", "right"));
  for (std::int64_t i = 0; i < 3; ++i) {
    const cross4d::Clip clip = data.Load(i);
    const torch::Tensor expected =
        clip.points.select(2, 1).to(torch::kInt64).remainder(3) - 1;  // y is the point's number
    EXPECT_TRUE(torch::equal(clip.part_labels, expected)) << i;
  }
  EXPECT_FALSE(Open(Small()).Load(0).part_labels.defined());
  options.part_names = {"left"};
  EXPECT_THAT(Refused(options),
              AllOf(HasSubstr("a.npy: frame 0"), HasSubstr("is 1, expected -1 to 0")));
  fs::remove(folder_ / "a.labels.npy");
  options.part_names = {"left", "right"};
  EXPECT_THAT(Refused(options), HasSubstr("a.labels.npy"));
  Write("c/1.labels.txt", "0\n1\n");
  EXPECT_THAT(Refused(options, 2), AllOf(HasSubstr("1.xyz"), HasSubstr("2 labels, expected 40")));
}

TEST_F(PointFolderTest, EmptyFramesTakeTheirNeighbours) {
  Write("clips.csv", "id,label,split\na,0,train\n");
  Write("a/0.xyz", "# nothing\n");
  Write("a/1.xyz", Xyz(1, 20));
  Write("a/2.xyz", "");
  const torch::Tensor points = Open(Small()).Load(0).points;
  EXPECT_TRUE(torch::equal(points[0], points[1]));
  EXPECT_TRUE(torch::equal(points[2], points[1]));
  Write("a/1.xyz", "");
  EXPECT_THAT(Refused(Small()), HasSubstr("none of the clip's frames has a point"));
}

TEST_F(PointFolderTest, ErrorsSayWhereAndWhat) {
  EXPECT_THAT(Refused(Small()), HasSubstr("the folder is empty"));
  WriteMixed();
  Options options = Small();
  options.root += "/sub";
  EXPECT_THAT(Refused(options), AllOf(HasSubstr("no clips.csv"), HasSubstr("give that as root")));
  options.root = (folder_ / "nowhere").string();
  EXPECT_THAT(Refused(options), HasSubstr("no such folder"));
  options = Small();
  options.up = "-z";
  EXPECT_THAT(Refused(options), HasSubstr("dataset.up = \"-z\""));

  Write("fall/frame2.xyz", "1 2 3\n1 nan 3\n");
  EXPECT_THAT(Refused(
                  [&] {
                    Options o = Small();
                    o.frames = 4;
                    return o;
                  }(),
                  2),
              AllOf(HasSubstr("frame2.xyz:2"), HasSubstr("y is nan")));
  fs::remove(folder_ / "fall/frame2.xyz");
  EXPECT_THAT(Refused(Small(), 2), AllOf(HasSubstr("frame4.xyz"), HasSubstr("frame missing")));
  fs::remove_all(folder_ / "fall");
  EXPECT_THAT(Refused(Small()), AllOf(HasSubstr("clips.csv:4"), HasSubstr("clip fall")));

  auto values = Values(2, 4);
  values[3 * 4 + 2] = INFINITY;
  Write("walk.npy", Npy("<f4", "2, 4, 3", values));
  Write("clips.csv", "id,label,split\nwalk,0,train\n");
  EXPECT_THAT(Refused(Small()),
              AllOf(HasSubstr("walk.npy: frame 1"), HasSubstr("point 0: z is infinite")));
  Write("walk.npy", Npy("<f4", "4, 6", Values(2, 4)));
  EXPECT_THAT(Refused(Small()), HasSubstr("shape [4, 6], expected [T, N, 3]"));
  Write("walk/0.ply", "");
  EXPECT_THAT(Refused(Small()), HasSubstr("both walk.npy and walk are there"));
}

TEST_F(PointFolderTest, SkipsOnRequestAndReports) {
  WriteMixed();
  fs::remove(folder_ / "walk.npy");
  Options options = Small();
  EXPECT_THAT(Refused(options), HasSubstr("clips.csv:2"));
  options.on_error = "skip";
  const PointFolder data = Open(options);
  EXPECT_TRUE(data.skip_unreadable());
  EXPECT_THAT(data.clips(), SizeIs(2));
  ASSERT_THAT(data.problems(), SizeIs(1));
  EXPECT_THAT(data.problems()[0].what, HasSubstr("none of walk.npy, walk.npz and walk/"));
  EXPECT_EQ(data.Load(1).points[2][0][0].item<float>(), 6) << "indices still fit";
}

TEST_F(PointFolderTest, FingerprintSeesTableAndFiles) {
  WriteMixed();
  const std::string first = Open(Small()).Fingerprint();
  EXPECT_EQ(first, Open(Small()).Fingerprint());
  Write("fall/frame2.xyz", Xyz(2, 31));
  const std::string second = Open(Small()).Fingerprint();
  EXPECT_NE(first, second);
  Write("clips.csv",
        "id,label,split,subject,video,path\n"
        "walk,move,test,1,v1,\nstill,rest,test,2,,sub/still.npz\nfall,move,train,1,v1,\n");
  EXPECT_NE(second, Open(Small()).Fingerprint()) << "another split";
}

TEST_F(PointFolderTest, PassesTheConformanceSuite) {
  WriteMixed();
  base::PluginDescription plugin;
  plugin.role = "dataset";
  plugin.name = "point-folder";
  plugin.options = point_folder::DescribeOptions().schema();
  plugin.provides = {"part-labels"};
  const PluginRecord record{
      "dataset",
      "point-folder",
      "1.0.0",
      &plugin.options,
      &plugin_internal::Create<Dataset, PointFolder, &point_folder::DescribeOptions>};
  conformance::Settings settings;
  settings.options = {{"root", folder_.path().string()}, {"points", std::int64_t{64}}};
  const conformance::Report report = conformance::Check(plugin, record, settings);
  EXPECT_TRUE(report.passed()) << report.Render();
}

}  // namespace
}  // namespace cross4d::test
