// SPDX-License-Identifier: Apache-2.0
#include "plugins/objectives/mast-pre/mast_pre.h"

#include "core/pretext/tokens.h"
#include "core/pretext/tubes.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>

#include "plugins/objectives/mast-pre/cardinality.h"
#include "tests/plugins/objectives/reference.h"

namespace cross4d::mast_pre {
namespace {

using test::Weights;
using testing::Each;
using testing::FloatNear;
using testing::Pointwise;
using torch::Tensor;

using Bins = std::array<float, kBins>;

Bins VoteOf(double azimuth_deg, double elevation_deg) {
  const double a = azimuth_deg * std::numbers::pi / 180, e = elevation_deg * std::numbers::pi / 180;
  Bins bins{};
  Vote(static_cast<float>(2 * std::cos(e) * std::cos(a)),
       static_cast<float>(2 * std::cos(e) * std::sin(a)),
       static_cast<float>(2 * std::sin(e)),
       bins.data());
  return bins;
}

// Lower half first; quarters from +x to +y.
TEST(Cardinality, VotesAreSharedLinearly) {
  const auto equals = [](Bins want) { return Pointwise(FloatNear(1e-5F), want); };
  EXPECT_THAT(VoteOf(45, 45), equals({0, 0, 0, 0, 1, 0, 0, 0}));
  EXPECT_THAT(VoteOf(135, -45), equals({0, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_THAT(VoteOf(-45, 45), equals({0, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_THAT(VoteOf(45, 0), equals({0.5, 0, 0, 0, 0.5, 0, 0, 0}));
  EXPECT_THAT(VoteOf(0, -60), equals({0.5, 0, 0, 0.5, 0, 0, 0, 0}));  // beyond -45: nothing above
  EXPECT_THAT(VoteOf(67.5, 22.5), equals({0.1875, 0.0625, 0, 0, 0.5625, 0.1875, 0, 0}));
  Bins bins{};
  Vote(0, 0, 0, bins.data());
  EXPECT_THAT(bins, Each(0.0F));
}

TEST(Cardinality, CountsDifferentPointsOffTheAnchor) {
  pretext::PointTubes tubes;
  tubes.anchors = at::zeros({1, 1, 3});
  tubes.points = at::randn({1, 1, 3, 5, 3});
  tubes.points[0][0][1][2].zero_();  // the anchor itself
  tubes.counts = at::tensor({5, 5, 2}, at::kLong).view({1, 1, 3});
  const Tensor sums = Histograms(tubes).sum(3).flatten();
  EXPECT_TRUE(at::allclose(sums, at::tensor({5.0F, 4.0F, 2.0F})));
}

Options Small() {
  Options o;
  o.neighbours = 5;
  o.depth = 2;
  o.dim = 16;
  o.heads = 2;
  return o;
}

/// The points around token `token` of clip b, by sorting all distances: [3, K, 3] in the unit
/// sphere.
Tensor TubeOf(const StudentInput& input, std::int64_t b, std::int64_t token, std::int64_t k) {
  const Tensor clip = input.points[b].to(at::kDouble);
  const Tensor origin = clip.view({-1, 3}).mean(0);
  const Tensor radius = (clip.view({-1, 3}) - origin).norm(2, {1}).max();
  const Tensor anchor = input.centres[b][token].to(at::kDouble);
  const std::int64_t frame = input.frames[b][token].item<std::int64_t>();
  std::vector<Tensor> slots;
  for (std::int64_t t = frame - 1; t <= frame + 1; ++t) {
    const Tensor cloud = clip[std::min(std::max<std::int64_t>(t, 0), clip.size(0) - 1)];
    const Tensor order = (cloud - anchor).square().sum(1).argsort();
    slots.push_back((cloud.index_select(0, order.narrow(0, 0, k)) - origin) / radius);
  }
  return at::stack(slots);
}

Tensor HistogramOf(const Tensor& points, const Tensor& anchor) {
  Bins bins{};
  const Tensor offsets = (points - anchor).to(at::kFloat).contiguous();
  for (std::int64_t i = 0; i < offsets.size(0); ++i) {
    const float* p = offsets.const_data_ptr<float>() + 3 * i;
    if (std::abs(p[0]) + std::abs(p[1]) + std::abs(p[2]) > 1e-6F)
      Vote(p[0], p[1], p[2], bins.data());
  }
  return at::tensor(at::ArrayRef<float>(bins.data(), kBins)).to(at::kDouble);
}

Tensor Reference(const Weights& w,
                 const Weights& student,
                 const StudentInput& input,
                 const pretext::TokenSplit& split,
                 const Options& o) {
  const Tensor features =
      test::RefEncode(student, test::RefTake(test::RefEmbed(student, input), split.visible));
  const Tensor places = test::RefPlaces(input);
  const Tensor position = test::RefLinear(w, "position", places);
  const Tensor known =
      test::RefLinear(w, "entry", features) + test::RefTake(position, split.visible);
  const Tensor asked = test::RefTake(position, split.hidden) + w.at("mask_token");
  const Tensor mixed =
      test::RefPredictor(w, "decoder", o.depth, o.heads, at::cat({known, asked}, 1))
          .narrow(1, known.size(1), asked.size(1));
  const Tensor points = test::RefLinear(w, "points", mixed);
  const Tensor cardinality = test::RefLinear(w, "cardinality", mixed);
  const std::int64_t clips = split.hidden.size(0), hidden = split.hidden.size(1);
  Tensor chamfer = at::zeros({}, at::kDouble), change = at::zeros({}, at::kDouble);
  for (std::int64_t b = 0; b < clips; ++b) {
    for (std::int64_t m = 0; m < hidden; ++m) {
      const std::int64_t token = split.hidden[b][m].item<std::int64_t>();
      const Tensor anchor = places[b][token].narrow(0, 0, 3);
      const Tensor tube = TubeOf(input, b, token, o.neighbours);
      chamfer = chamfer + test::RefChamfer(points[b][m].view({3, o.neighbours, 3}),
                                           o.relative ? tube - anchor : tube);
      for (std::int64_t pair = 0; pair < 2; ++pair) {
        const Tensor want = HistogramOf(tube[pair + 1], anchor) - HistogramOf(tube[pair], anchor);
        const Tensor d = (cardinality[b][m].view({2, kBins})[pair] - want).abs();
        change = change + at::where(d < 1, d * d / 2, d - 0.5).mean() / 2;
      }
    }
  }
  return (chamfer + change) / static_cast<double>(clips * hidden);
}

class MastPreTest : public testing::TestWithParam<bool> {};

TEST_P(MastPreTest, LossAndGradientsEqualTheReference) {
  torch::manual_seed(2);
  test::SmallStudent student(12);
  Options options = Small();
  options.relative = GetParam();
  MastPre objective(options, {});
  objective.Build(test::ShapeFor(12), student);
  TrainBatch batch;
  batch.input = test::MakeInput(2, 4, 20, 6);
  const ObjectiveOutput out = objective.Step(student, batch, test::ContextOf(0, 10, 9));
  out.loss.backward();

  const pretext::TokenSplit split =
      pretext::HideAnywhere(2, {4, 6}, 0.75, test::ContextOf(0, 10, 9).generator);
  EXPECT_EQ(split.hidden.size(1), 18);
  const Weights w = test::DoubleOf(objective), s = test::DoubleOf(student);
  const Tensor loss = Reference(w, s, batch.input, split, options);
  loss.backward();
  EXPECT_LT(test::Difference(out.loss, loss), 1e-5);
  EXPECT_EQ(test::CompareGradients(objective, w, 1e-3), "");
  EXPECT_EQ(test::CompareGradients(student, s, 1e-3), "");
  EXPECT_EQ(out.predictions.sizes(), (at::IntArrayRef{2 * 6, 12}));
  EXPECT_THAT(out.monitors,
              testing::ElementsAre(
                  testing::Key("cardinality"), testing::Key("chamfer"), testing::Key("cosine")));
  EXPECT_NEAR(
      out.monitors.at("cardinality") + out.monitors.at("chamfer"), out.loss.item<double>(), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(AbsoluteAndRelative, MastPreTest, testing::Bool());

// Fewer points than neighbours, one frame, identical points, a ball that holds nothing.
TEST(MastPre, AwkwardClipsDoNoHarm) {
  EXPECT_THAT(CheckSchema(DescribeOptions().schema()), testing::IsEmpty());
  for (const double radius : {0.0, 1e-3}) {
    Options options = Small();
    options.radius = radius;
    test::SmallStudent student(12);
    MastPre objective(options, {});
    objective.Build(test::ShapeFor(12), student);
    TrainBatch batch;
    batch.input = test::MakeInput(1, 1, 3, 2);
    for (const bool same : {false, true}) {
      if (same) batch.input.points.fill_(1), batch.input.centres.fill_(1);
      const ObjectiveOutput out = objective.Step(student, batch, test::ContextOf(0, 10, 0));
      out.loss.backward();
      EXPECT_TRUE(out.loss.isfinite().item<bool>());
      for (const Tensor& p : student.parameters()) {
        EXPECT_TRUE(p.grad().isfinite().all().item<bool>());
      }
    }
  }
}

}  // namespace
}  // namespace cross4d::mast_pre
