// SPDX-License-Identifier: Apache-2.0
// On the real files in $CROSS4D_TEST_DATA/data/utd-mhad.
#include <cross4d/sdk/random.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <thread>

#include "utd_mhad.h"

namespace cross4d::utd_mhad {
namespace {

using ::testing::SizeIs;

class UtdMhadData : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("CROSS4D_TEST_DATA");
    if (data != nullptr)
      options_.root = (std::filesystem::path(data) / "data" / "utd-mhad").string();
    if (!std::filesystem::is_directory(options_.root)) {
      GTEST_SKIP() << "no UTD-MHAD at '" << options_.root << "'; set CROSS4D_TEST_DATA";
    }
  }
  Options options_;
};

TEST_F(UtdMhadData, OfficialCounts) {
  const UtdMhad data(options_, {});
  EXPECT_THAT(data.clips(), SizeIs(861));
  std::map<Split, int> splits;
  std::map<std::int64_t, int> labels;
  for (const ClipInfo& clip : data.clips()) {
    ++splits[clip.split];
    ++labels[clip.label];
  }
  EXPECT_EQ(splits[Split::kTrain], 431);
  EXPECT_EQ(splits[Split::kTest], 430);
  EXPECT_THAT(labels, SizeIs(27));
  EXPECT_THAT(data.class_names(), SizeIs(27));
  options_.split = "validation";
  const UtdMhad validation(options_, {});
  EXPECT_THAT(validation.clips(), SizeIs(431));
}

// Frame counts come from the head of each file; 41 to 125 frames, 58,299 in all.
TEST_F(UtdMhadData, SeveralClipsOfAVideo) {
  options_.frame_mode = "stride";
  options_.clips = "all";
  options_.frames = 1;
  options_.points = 16;
  options_.part_labels = false;
  const UtdMhad every_frame(options_, {});
  std::map<std::string, int> frames;
  for (const ClipInfo& clip : every_frame.clips()) ++frames[clip.video];
  EXPECT_THAT(frames, SizeIs(861));
  EXPECT_EQ(every_frame.clips().size(), 58299u);
  options_.frames = 48;
  options_.clips = "centre";
  options_.legacy_drop_short = true;
  std::string log;
  const UtdMhad dropped(options_, {1, "cpu", [&](std::string_view line) { log = line; }});
  EXPECT_EQ(log, "legacy_drop_short: 16 of 861 videos are shorter than a clip and left out");
  EXPECT_EQ(dropped.clips().size(), 845u);
  EXPECT_EQ(dropped.Load(5).points.size(0), 48);
}

// Weak labels made elsewhere from the same skeletons have the shares 3, 47, 9, 7, 18, 16 %.
TEST_F(UtdMhadData, PartShares) {
  options_.points = 256;
  const UtdMhad data(options_, {});
  auto counts = torch::zeros({6}, torch::kInt64);
  for (std::int64_t i = 0; i < 861; i += 20)
    counts += data.Load(i).part_labels.flatten().bincount({}, 6);
  const auto share = (counts * 100.0 / counts.sum()).to(torch::kFloat64);
  const double expected[] = {3, 47, 9, 7, 18, 16};
  for (int part = 0; part < 6; ++part) {
    EXPECT_NEAR(share[part].item<double>(), expected[part], 5)
        << data.part_names()[static_cast<std::size_t>(part)];
  }
}

TEST_F(UtdMhadData, ClipsAreBodiesInMetres) {
  const UtdMhad data(options_, {});
  for (const std::int64_t index : {0, 400, 860}) {
    const Clip clip = data.Load(index);
    ASSERT_EQ(clip.points.sizes(), (std::vector<std::int64_t>{24, 2048, 3}));
    const auto low = std::get<0>(clip.points.reshape({-1, 3}).min(0));
    const auto high = std::get<0>(clip.points.reshape({-1, 3}).max(0));
    EXPECT_GT(low[2].item<float>(), 1.5);
    EXPECT_LT(high[2].item<float>(), 4.2);
    const float height = (high[1] - low[1]).item<float>();
    EXPECT_GT(height, 1.2);
    EXPECT_LT(height, 2.4);
  }
}

std::uint64_t HashOf(const torch::Tensor& tensor) {
  return HashText({static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()});
}

// A change of these bytes needs a new version of the plugin, as results of the old ones stay valid.
TEST_F(UtdMhadData, BytesStayTheSame) {
  const UtdMhad data(options_, {});
  std::uint64_t points = 0, parts = 0;
  for (std::int64_t i = 0; i < 861; i += 43) {
    const Clip clip = data.Load(i);
    points = MixSeed({points, HashOf(clip.points)});
    parts = MixSeed({parts, HashOf(clip.part_labels)});
  }
  EXPECT_EQ(points, 3155543705739043023u);
  EXPECT_EQ(parts, 11301165862176916957u);
  EXPECT_EQ(data.Fingerprint(), "1722 files, 67a2b7b046434494");
}

TEST_F(UtdMhadData, SameInTwoThreads) {
  options_.points = 128;
  const UtdMhad data(options_, {});
  Clip here, there;
  std::thread other([&] { there = data.Load(123); });
  data.Load(17);
  here = data.Load(123);
  other.join();
  EXPECT_TRUE(here.points.equal(there.points));
  EXPECT_TRUE(here.part_labels.equal(there.part_labels));
}

}  // namespace
}  // namespace cross4d::utd_mhad
