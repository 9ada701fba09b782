// SPDX-License-Identifier: Apache-2.0
#include "hdf5_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include "hdf5_writer.h"
#include "tests/support/refusal.h"
#include "tests/support/temp_folder.h"

namespace cross4d::hoi4d {
namespace {

namespace fs = std::filesystem;
using test::Hdf5Spec;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class Hdf5FileTest : public ::testing::Test {
 protected:
  std::string path() const { return (folder_ / "train1.h5").string(); }
  std::string OpenError(const std::string& labels = "semantic") const {
    return test::Refusal([&] { Hdf5File(path(), labels); });
  }
  void CheckContent(const std::string& labels, const std::vector<std::int64_t>& frames) const {
    const Hdf5File file(path(), labels);
    std::vector<float> xyz;
    std::vector<std::int64_t> values;
    file.Read(1, frames, &xyz, &values);
    ASSERT_EQ(xyz.size(), frames.size() * 40 * 3);
    const std::size_t each = labels == "semantic" ? 40 : labels == "label" ? 1 : 0;
    ASSERT_EQ(values.size(), frames.size() * each);
    for (std::size_t i = 0; i < xyz.size(); i += 3) {
      const std::int64_t t = frames[i / 120];
      const auto p = static_cast<std::int64_t>(i / 3 % 40);
      ASSERT_EQ(xyz[i], 2);
      ASSERT_EQ(xyz[i + 1], static_cast<float>(t) + static_cast<float>(p) / 1024) << t << " " << p;
      ASSERT_EQ(xyz[i + 2], 2);
      if (each == 40) {
        ASSERT_EQ(values[i / 3], (1 + t + p) % 49);
      }
      if (each == 1) {
        ASSERT_EQ(values[i / 120], (1 + t) % 19);
      }
    }
  }

  test::TempFolder folder_;
};

TEST_F(Hdf5FileTest, ReadsEveryLayoutAndType) {
  for (const char* layout : {"contiguous", "chunked", "gzip"}) {
    for (const char* type : {"i8", "u8", "i16", "i32", "i64"}) {
      for (const bool doubles : {false, true}) {
        SCOPED_TRACE(std::string(layout) + " " + type + (doubles ? " f64" : " f32"));
        Hdf5Spec spec;
        spec.layout = layout;
        spec.label_type = type;
        spec.doubles = doubles;
        test::WriteHdf5(path(), spec);
        CheckContent("semantic", {0, 1, 2, 4});
        CheckContent("", {5});
      }
    }
  }
  Hdf5Spec spec;
  spec.labels = "label";
  test::WriteHdf5(path(), spec);
  CheckContent("label", {0, 2, 3, 5});
}

TEST_F(Hdf5FileTest, OtherLayoutsAreNamed) {
  test::WriteOtherHdf5(path());
  EXPECT_THAT(OpenError(),
              AllOf(HasSubstr(path() + ": has no array 'pcd'"),
                    HasSubstr("it holds extra/, points (5 x 3)"),
                    HasSubstr("expected pcd (n x T x N x 3), semantic (n x T x N)")));
  Hdf5Spec spec;
  spec.labels = "label";
  test::WriteHdf5(path(), spec);
  EXPECT_THAT(OpenError(),
              AllOf(HasSubstr("has no array 'semantic'"), HasSubstr("task = \"action\"")));
  spec.labels = "semantic";
  test::WriteHdf5(path(), spec);
  EXPECT_THAT(OpenError("label"),
              AllOf(HasSubstr("has no array 'label'"), HasSubstr("task = \"semantic\"")));
  spec.points = 0;
  test::WriteHdf5(path(), spec);
  EXPECT_THAT(OpenError(), HasSubstr("'pcd' is empty"));
}

TEST_F(Hdf5FileTest, DamageIsFound) {
  EXPECT_THAT(OpenError(), AllOf(HasSubstr(path()), HasSubstr("cannot be opened as HDF5")));
  std::ofstream(path()) << "no HDF5 at all";
  EXPECT_THAT(OpenError(), AllOf(HasSubstr(path()), HasSubstr("signature")));
  for (const char* layout : {"contiguous", "gzip"}) {
    Hdf5Spec spec;
    spec.layout = layout;
    test::WriteHdf5(path(), spec);
    fs::resize_file(path(), fs::file_size(path()) - 100);
    EXPECT_THAT(OpenError(), AllOf(HasSubstr(path()), HasSubstr("truncated")));
  }
}

// What was read or refused before does not matter, and nothing is printed by the library.
TEST_F(Hdf5FileTest, DamagedChunksAreRefusedWithTheirPlace) {
  Hdf5Spec spec;
  spec.layout = "gzip";
  test::WriteHdf5(path(), spec);
  std::ifstream in(path(), std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  int refused = 0;
  for (std::size_t at = bytes.find("\x78\x5e"); at != std::string::npos;
       at = bytes.find("\x78\x5e", at + 1)) {
    std::string damaged = bytes;
    damaged.replace(at + 2, 8, 8, '\xff');
    std::ofstream(path(), std::ios::binary) << damaged;
    const std::string error = test::Refusal([this] {
      const Hdf5File file(path(), "semantic");
      std::vector<float> xyz;
      std::vector<std::int64_t> labels;
      file.Read(0, {0, 1, 2, 3, 4, 5}, &xyz, &labels);
      file.Read(1, {0, 1, 2, 3, 4, 5}, &xyz, &labels);
    });
    if (error.empty()) continue;
    ++refused;
    EXPECT_THAT(error,
                AllOf(HasSubstr(path()), HasSubstr("sequence "), HasSubstr("frames 0 to 5")));
  }
  EXPECT_GT(refused, 0);
}

TEST_F(Hdf5FileTest, ThreadsAndFilesShareTheLibrary) {
  Hdf5Spec spec;
  spec.layout = "gzip";
  test::WriteHdf5(path(), spec);
  const Hdf5File shared(path(), "semantic");
  std::vector<float> expected;
  std::vector<std::int64_t> labels;
  shared.Read(1, {1, 3}, &expected, &labels);
  std::atomic<int> same = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const Hdf5File own(path(), "semantic");
        std::vector<float> xyz;
        std::vector<std::int64_t> ids;
        (round % 2 == 0 ? own : shared).Read(1, {1, 3}, &xyz, &ids);
        same += xyz == expected && ids == labels ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, 80);
}

}  // namespace
}  // namespace cross4d::hoi4d
