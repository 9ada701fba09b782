// SPDX-License-Identifier: Apache-2.0
#include "shape_hog.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/random.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base_features.h"

namespace cross4d::shape_hog {
namespace {

using ::testing::ElementsAre;

// A bright disc that wanders over a dark background.
torch::Tensor DiscClip(std::uint64_t seed, std::int64_t frames = 4, std::int64_t side = 32) {
  RandomStream random(seed);
  double x = random.Uniform(8, 24), y = random.Uniform(8, 24);
  const double dx = random.Uniform(-3, 3), dy = random.Uniform(-3, 3),
               grey = random.Uniform(0.3, 1);
  auto clip = torch::zeros({frames, 3, side, side});
  for (std::int64_t t = 0; t < frames; ++t, x += dx, y += dy) {
    for (std::int64_t v = 0; v < side; ++v) {
      for (std::int64_t u = 0; u < side; ++u) {
        if (std::hypot(static_cast<double>(u) - x, static_cast<double>(v) - y) < 5) {
          clip.select(0, t).select(1, v).select(1, u).fill_(grey);
        }
      }
    }
  }
  return clip;
}

class Discs : public FrameSource {
 public:
  std::int64_t size() const override { return 6; }
  torch::Tensor At(std::int64_t i) const override {
    return DiscClip(static_cast<std::uint64_t>(i));
  }
};

ShapeHog Fitted(const Options& options = {}) {
  ShapeHog teacher(options, {});
  teacher.Fit(Discs());
  return teacher;
}

std::vector<float> Base(const torch::Tensor& clip, bool motion) {
  const auto grey = clip.select(1, 0).contiguous();
  return BaseFeatures(
      {grey.data_ptr<float>(), grey.stride(0), grey.size(0), grey.size(1), grey.size(2)}, motion);
}

TEST(ShapeHog, ShapesAndTraits) {
  ShapeHog plain = Fitted();
  EXPECT_EQ(plain.traits().dim, 192);
  EXPECT_EQ(plain.traits().patch, 4);
  EXPECT_EQ(plain.traits().tubelet, 1);
  EXPECT_TRUE(plain.needs_fit());
  const auto batch = torch::stack({DiscClip(1), DiscClip(2)});
  EXPECT_THAT(plain.Encode(batch).sizes(), ElementsAre(2, 4, 8, 8, 192));
  EXPECT_THAT(plain.Encode(torch::zeros({1, 1, 3, 16, 24})).sizes(), ElementsAre(1, 1, 4, 6, 192));
  Options motion;
  motion.motion = true;
  EXPECT_THAT(Fitted(motion).Encode(batch).sizes(), ElementsAre(2, 4, 8, 8, 384));
  Options few;
  few.units = 10;
  EXPECT_THAT(Fitted(few).Encode(batch).sizes(), ElementsAre(2, 4, 8, 8, 10));
}

TEST(ShapeHog, AClipDoesNotDependOnItsBatch) {
  for (const bool motion : {false, true}) {
    Options options;
    options.motion = motion;
    ShapeHog teacher = Fitted(options);
    const auto batch = teacher.Encode(torch::stack({DiscClip(7), DiscClip(8), DiscClip(9)}));
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(batch[i].equal(teacher.Encode(DiscClip(7 + i).unsqueeze(0))[0])) << i;
    }
  }
}

TEST(ShapeHog, TwoTeachersAgreeAndSeedsDiffer) {
  const auto clip = DiscClip(3).unsqueeze(0);
  const auto tokens = Fitted().Encode(clip);
  EXPECT_TRUE(tokens.equal(Fitted().Encode(clip)));
  EXPECT_TRUE(tokens.isfinite().all().item<bool>());
  Options other;
  other.seed = 1;
  EXPECT_FALSE(tokens.equal(Fitted(other).Encode(clip)));
}

TEST(ShapeHog, UnitsAreZScoredOnTheTrainingSplit) {
  ShapeHog teacher = Fitted();
  std::vector<torch::Tensor> clips;
  const Discs discs;
  for (std::int64_t i = 0; i < discs.size(); ++i) clips.push_back(discs.At(i));
  const auto cells = teacher.Encode(torch::stack(clips)).reshape({-1, 192});
  EXPECT_LT(cells.mean(0).abs().max().item<float>(), 1e-4);
  const auto std = cells.std(0, false);
  // A unit that never fires stays at 0; all others have unit variance.
  EXPECT_TRUE(((std - 1).abs().lt(1e-3) | std.eq(0)).all().item<bool>());
  EXPECT_GT(std.gt(0.5).sum().item<std::int64_t>(), 180);

  Options options;
  options.centred = false;
  const auto scaled = Fitted(options).Encode(torch::stack(clips)).reshape({-1, 192});
  EXPECT_GE(scaled.min().item<float>(), 0);
  const auto difference = scaled - cells;  // the mean, the same for every cell
  EXPECT_LT((difference - difference[0]).abs().max().item<float>(), 1e-4);
}

TEST(ShapeHog, BaseChannelsSayWhatTheyPromise) {
  const auto clip = DiscClip(5);
  const std::vector<float> features = Base(clip, true);
  ASSERT_EQ(features.size(), static_cast<std::size_t>(4 * 64 * Channels(true)));
  const auto f = torch::tensor(features).reshape({4, 8, 8, Channels(true)});
  // Channel 57: mean depth of the cell; 60: its occupancy.
  const auto cells = torch::avg_pool2d(clip.select(1, 0).unsqueeze(1), 4).squeeze(1);
  EXPECT_LT((f.select(3, 57) - cells).abs().max().item<float>(), 1e-6);
  const auto occupied =
      torch::avg_pool2d(clip.select(1, 0).gt(0).to(torch::kFloat32).unsqueeze(1), 4).squeeze(1);
  EXPECT_LT((f.select(3, 60) - occupied).abs().max().item<float>(), 1e-6);
  // Channel 32: the window's mean (times 16): the lowest frequency.
  const auto window = torch::constant_pad_nd(clip.select(1, 0), {6, 6, 6, 6});
  EXPECT_NEAR(f[1][2][3][32].item<float>(),
              window[1].slice(0, 8, 24).slice(1, 12, 28).sum().item<float>() / 16,
              1e-4);
  // Channels 71, 72: position.
  EXPECT_FLOAT_EQ(f[0][0][7][71].item<float>(), 0.875f);
  EXPECT_FLOAT_EQ(f[0][0][7][72].item<float>(), -0.875f);
  // The plain set is the beginning of the one with motion.
  const auto plain = torch::tensor(Base(clip, false)).reshape({4, 8, 8, Channels(false)});
  EXPECT_TRUE(plain.equal(f.slice(3, 0, Channels(false))));
  // The first frame has no past: its signed changes are 0, later ones are not.
  EXPECT_EQ(f[0].slice(2, 81).abs().max().item<float>(), 0);
  EXPECT_GT(f[2].slice(2, 81).abs().max().item<float>(), 0.01);
}

TEST(ShapeHog, HistogramsTurnWithTheImage) {
  // A half-plane: one orientation only. Mirroring moves it to the opposite bin.
  auto left = torch::zeros({1, 3, 32, 32});
  left.slice(3, 0, 16).fill_(1);
  const auto f = torch::tensor(Base(left, false)).reshape({8, 8, kBaseChannels});
  const auto g = torch::tensor(Base(left.flip({3}), false)).reshape({8, 8, kBaseChannels});
  EXPECT_GT(f[4][4][4].item<float>(), 0.1);
  EXPECT_EQ(f[4][4][0].item<float>(), 0);
  EXPECT_GT(g[4][4][0].item<float>(), 0.1);
  EXPECT_EQ(g[4][4][4].item<float>(), 0);
}

TEST(ShapeHog, RefusesWhatItCannotRead) {
  ShapeHog fresh({}, {});
  EXPECT_THROW(fresh.Encode(DiscClip(0).unsqueeze(0)), Error);
  ShapeHog teacher = Fitted();
  EXPECT_THROW(teacher.Encode(torch::zeros({1, 2, 3, 30, 32})), Error);
  EXPECT_THROW(teacher.Encode(torch::zeros({2, 3, 32, 32})), Error);
  EXPECT_THROW(teacher.Encode(torch::zeros({1, 2, 1, 32, 32})), Error);
}

}  // namespace
}  // namespace cross4d::shape_hog
