// SPDX-License-Identifier: Apache-2.0
// On the files in $CROSS4D_TEST_DATA/data/format_samples/msr: real Kinect depth of another data set
// in MSR-Action3D's two forms, the points by three generations of NumPy.
#include <cross4d/sdk/random.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "msr_action3d.h"
#include "video_frames.h"

namespace cross4d::msr_action3d {
namespace {

using ::testing::ElementsAre;

class MsrSamples : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("CROSS4D_TEST_DATA");
    folder_ = std::filesystem::path(data == nullptr ? "" : data) / "data/format_samples/msr";
    if (!std::filesystem::is_directory(folder_)) {
      GTEST_SKIP() << "no samples at '" << folder_.string() << "'; set CROSS4D_TEST_DATA";
    }
    options_.root = folder_.string();
    options_.frames = 3;
  }
  std::vector<std::int64_t> Counts(const std::string& name) const {
    const auto video = OpenVideo(folder_ / name);
    std::vector<std::int64_t> counts;
    std::vector<Pixel> pixels;
    for (std::int64_t t = 0; t < video->count(); ++t) {
      video->Read(t, &pixels);
      counts.push_back(static_cast<std::int64_t>(pixels.size()));
    }
    EXPECT_EQ(CountFrames(folder_ / name), video->count()) << name;
    return counts;
  }
  std::filesystem::path folder_;
  Options options_;
};

TEST_F(MsrSamples, EveryFileIsRead) {
  const auto depth = Counts("a03_s01_e01_sdepth.bin");
  EXPECT_THAT(depth, ElementsAre(5848, 6210, 6074));
  EXPECT_EQ(Counts("a03_s01_e01_sdepth.npz"), depth);
  EXPECT_EQ(Counts("a03_s01_e02_sdepth.npz"), depth);
  EXPECT_THAT(Counts("a03_s01_e03_sdepth.npz"), ElementsAre(1462, 1553, 1519));
  EXPECT_THAT(Counts("a03_s02_e01_sdepth_equal_counts.npz"), ElementsAre(4096, 4096, 4096));
}

TEST_F(MsrSamples, BothFormsAndAllProtocolsGiveTheSamePixels) {
  const auto depth = OpenVideo(folder_ / "a03_s01_e01_sdepth.bin");
  for (const char* name : {"a03_s01_e01_sdepth.npz", "a03_s01_e02_sdepth.npz"}) {
    const auto points = OpenVideo(folder_ / name);
    std::vector<Pixel> a, b;
    for (std::int64_t t = 0; t < 3; ++t) {
      depth->Read(t, &a);
      points->Read(t, &b);
      ASSERT_EQ(a.size(), b.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        ASSERT_EQ(a[i].column, b[i].column) << name << " " << i;
        ASSERT_EQ(a[i].row, b[i].row);
        ASSERT_EQ(a[i].depth, b[i].depth);
      }
    }
  }
}

TEST_F(MsrSamples, ClipsAreBodiesInTheirUnit) {
  const MsrAction3d data(options_, {});
  ASSERT_EQ(data.clips().size(), 3u);
  const Clip clip = data.Load(0);
  options_.form = "points";
  EXPECT_TRUE(clip.points.equal(MsrAction3d(options_, {}).Load(0).points));
  options_.normalise = "metres";
  options_.intrinsics = "metric";
  const torch::Tensor flat = MsrAction3d(options_, {}).Load(2).points.reshape({-1, 3});
  const float height = (flat.select(1, 1).max() - flat.select(1, 1).min()).item<float>();
  EXPECT_GT(height, 1.2);
  EXPECT_LT(height, 2.4);
}

// A change of these bytes needs a new version of the plugin, as results of the old ones stay valid.
TEST_F(MsrSamples, BytesStayTheSame) {
  std::uint64_t points = 0;
  for (const char* normalise : {"published-unit", "metres", "unit-sphere"}) {
    options_.normalise = normalise;
    const torch::Tensor p = MsrAction3d(options_, {}).Load(0).points;
    const std::string_view bytes(static_cast<const char*>(p.const_data_ptr()), p.nbytes());
    points = MixSeed({points, HashText(bytes)});
  }
  EXPECT_EQ(points, 11951625219989114957u);
}

}  // namespace
}  // namespace cross4d::msr_action3d
