// SPDX-License-Identifier: Apache-2.0
// One file per frame: text and .npz.
#include <gmock/gmock.h>
#include <zip.h>

#include <cstring>
#include <fstream>

#include "hoi4d_folder.h"

namespace cross4d::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <class T>
std::string FrameArray(const char* type, const std::string& shape, const std::vector<T>& values) {
  const std::string header =
      std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': " + shape + "}";
  const auto size = static_cast<std::uint16_t>(header.size());
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes.append(reinterpret_cast<const char*>(&size), 2).append(header);
  return bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

class FrameFolders : public Hoi4dFolder {
 protected:
  static constexpr const char* kOne = "ZY20210800001/H1/C8/N14/S71/s03/T2";

  /// Frame t has `points` points (t + 1, p, 2) of the class 2 + p.
  void WriteNpzFrame(const std::string& sequence, int t, int points, int labels = -1) const {
    const fs::path folder = root() / sequence / "npz";
    fs::create_directories(folder);
    std::vector<double> xyz;
    std::vector<std::int64_t> ids;
    for (int p = 0; p < points; ++p) xyz.insert(xyz.end(), {t + 1.0, p + 0.0, 2.0});
    for (int p = 0; p < (labels < 0 ? points : labels); ++p) ids.push_back(2 + p);
    const std::string pc = FrameArray("<f8", "(" + std::to_string(points) + ", 3)", xyz);
    const std::string semantic = FrameArray("<i8", "(" + std::to_string(ids.size()) + ",)", ids);
    const fs::path file = folder / (std::to_string(t) + ".npz");
    zip_t* zip = zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
    zip_file_add(zip, "pc.npy", zip_source_buffer(zip, pc.data(), pc.size(), 0), 0);
    zip_file_add(
        zip, "semantic.npy", zip_source_buffer(zip, semantic.data(), semantic.size(), 0), 0);
    ASSERT_EQ(zip_close(zip), 0);
  }
  void WriteTextFrame(const std::string& sequence, int t, int points) const {
    const fs::path folder = root() / sequence / "semantic_segmentation_label";
    fs::create_directories(folder);
    std::ofstream out(folder / (std::to_string(t) + ".txt"));
    for (int p = 0; p < points; ++p) out << t + 1 << ' ' << p << " 2 " << 2 + p << " 1\n";
  }
};

TEST_F(FrameFolders, BothFormsAreTheSame) {
  for (int t = 0; t < 12; ++t) {  // 10.npz stands before 2.npz in a listing
    WriteNpzFrame(kOne, t, 20 + t);
    WriteTextFrame(kOne, t, 20 + t);
  }
  options_.form = "npz";
  const Clip npz = Open().Load(0);
  options_.form = "text";
  const Clip text = Open().Load(0);
  EXPECT_TRUE(npz.points.equal(text.points));
  EXPECT_TRUE(npz.part_labels.equal(text.part_labels));
  for (int i = 0; i < 4; ++i) {  // frames 4 to 7 of 12
    EXPECT_TRUE(npz.points[i].select(1, 0).eq(i + 5).all().item<bool>());
    EXPECT_TRUE(npz.part_labels[i].eq(npz.points[i].select(1, 1) + 2).all().item<bool>());
  }
}

TEST_F(FrameFolders, PathsGiveLabelsAndTheHoldout) {
  for (const char* path :
       {kOne, "ZY20210800002/H2/C1/N04/S71/s03/T2", "ZY20210800004/H4/C8/N14/S71/s03/T1"}) {
    WriteNpzFrame(path, 0, 5);
  }
  const hoi4d::Hoi4d data = Open();
  ASSERT_EQ(data.clips().size(), 3u);
  EXPECT_EQ(data.clips()[0].id, kOne);
  EXPECT_EQ(data.clips()[1].subject, 2);
  EXPECT_EQ(data.class_names()[static_cast<std::size_t>(data.clips()[0].label)], "bucket");
  EXPECT_EQ(data.class_names()[static_cast<std::size_t>(data.clips()[1].label)], "toy car");
  EXPECT_EQ(data.clips()[0].split, data.clips()[2].split);  // one object, one side
  options_.split = "official";
  EXPECT_THAT(OpenError(), HasSubstr("set dataset.split = \"holdout\""));
  options_.split = "holdout";
  options_.task = "action";
  EXPECT_THAT(OpenError(), HasSubstr("set dataset.task = \"semantic\""));
}

TEST_F(FrameFolders, DamageIsNamed) {
  WriteNpzFrame(kOne, 0, 5);
  WriteNpzFrame(kOne, 2, 5);
  EXPECT_THAT(LoadError(), HasSubstr("npz/1.npz is missing (frame 1)"));
  WriteNpzFrame(kOne, 1, 5, 4);
  EXPECT_THAT(LoadError(), AllOf(HasSubstr("1.npz"), HasSubstr("do not fit")));
  WriteNpzFrame(kOne, 1, 0);  // empty: takes its neighbour
  EXPECT_THAT(LoadError(), IsEmpty());
  for (const int t : {0, 1, 2}) WriteNpzFrame(kOne, t, 0);
  EXPECT_THAT(LoadError(), AllOf(HasSubstr(kOne), HasSubstr("has a point")));
  std::ofstream(root() / kOne / "npz" / "1.npz") << "no zip";
  EXPECT_THAT(LoadError(), HasSubstr("1.npz"));
  options_.root = (root() / kOne / "npz").string();
  EXPECT_THAT(OpenError(), HasSubstr("the frames of one sequence: give its parent"));
}

TEST_F(FrameFolders, FingerprintFollowsTheFrames) {
  WriteTextFrame(kOne, 0, 3);
  const std::string before = Open().Fingerprint();
  WriteTextFrame(kOne, 1, 3);
  EXPECT_NE(before, Open().Fingerprint());
}

}  // namespace
}  // namespace cross4d::test
