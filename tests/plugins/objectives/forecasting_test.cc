// SPDX-License-Identifier: Apache-2.0
#include "plugins/objectives/forecasting/forecasting.h"

#include "core/pretext/tokens.h"

#include <cross4d/sdk/error.h>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/plugins/objectives/reference.h"

namespace cross4d::forecasting {
namespace {

using test::Weights;
using torch::Tensor;

constexpr std::int64_t kDim = 12, kClips = 3, kFrames = 8, kPerFrame = 5, kViews = 2, kTarget = 7;

Options Preset(const std::string& name) {
  Options o = DescribeOptions().Read({{"preset", name}});
  o.dim = 16;
  o.camera_dim = 6;
  return o;
}

ObjectiveShape Shape() {
  ObjectiveShape shape = test::ShapeFor(kDim);
  shape.target_dim = kTarget;
  shape.frames = kFrames;
  shape.views = kViews;
  return shape;
}

TrainBatch MakeBatch() {
  TrainBatch batch;
  batch.input = test::MakeInput(kClips, kFrames, 12, kPerFrame);
  batch.frame_targets = at::randn({kClips, kViews, kFrames, kTarget});
  batch.view_visible = at::rand({kClips, kViews, kFrames * kPerFrame}) < 0.6;
  return batch;
}

Tensor RefGru(const Weights& w, const Tensor& x) {
  const Tensor i = at::matmul(x, w.at("gru.weight_ih").t()) + w.at("gru.bias_ih");
  const Tensor h = at::matmul(x, w.at("gru.weight_hh").t()) + w.at("gru.bias_hh");
  const std::int64_t n = x.size(1);
  const Tensor r = at::sigmoid(i.narrow(1, 0, n) + h.narrow(1, 0, n));
  const Tensor z = at::sigmoid(i.narrow(1, n, n) + h.narrow(1, n, n));
  const Tensor c = at::tanh(i.narrow(1, 2 * n, n) + r * h.narrow(1, 2 * n, n));
  return (1 - z) * c + z * x;
}

Tensor RefField(const Weights& w, const Tensor& summary) {
  return test::RefLinear(w, "field_out", test::RefGelu(test::RefLinear(w, "field_in", summary)));
}

/// Clip by clip and camera by camera.
Tensor Reference(
    const Weights& w, const Weights& s, const TrainBatch& batch, std::int64_t t, const Options& o) {
  const std::int64_t tokens = (t + 1) * kPerFrame, last = t * kPerFrame;
  const Tensor features = test::RefEncode(s, test::RefEmbed(s, batch.input).narrow(1, 0, tokens));
  Tensor loss = at::zeros({}, at::kDouble), disagreement = at::zeros({}, at::kDouble);
  int pairs = 0;
  for (std::int64_t b = 0; b < kClips; ++b) {
    const Tensor now = features[b].narrow(0, last, kPerFrame).mean(0);
    Tensor state = at::cat({features[b].mean(0), now}).unsqueeze(0);
    if (o.field) state = RefField(w, state);
    for (int k = 0; k < (o.rollout ? o.horizon : 0); ++k) state = RefGru(w, state);
    std::vector<Tensor> fields;
    for (std::int64_t v = 0; v < kViews; ++v) {
      const Tensor in = at::cat({state[0], w.at("camera_embedding.weight")[v]});
      const Tensor got =
          test::RefLinear(w, "decoder_out", test::RefGelu(test::RefLinear(w, "decoder_in", in)));
      const Tensor want = batch.frame_targets[b][v][t + o.horizon].to(at::kDouble);
      loss = loss + (1 - test::RefCosine(got, want)) / (kClips * kViews);
      if (!o.consistency) continue;
      const Tensor seen = batch.view_visible[b][v].narrow(0, 0, tokens).nonzero().squeeze(1);
      if (seen.numel() == 0) continue;
      const Tensor all = features[b].index_select(0, seen).mean(0);
      const Tensor end = seen.masked_select(seen >= last);
      const Tensor own = end.numel() == 0 ? all : features[b].index_select(0, end).mean(0);
      fields.push_back(RefField(w, at::cat({all, own}).unsqueeze(0))[0]);
    }
    if (fields.size() == 2) {
      disagreement = disagreement + 1 - test::RefCosine(fields[0], fields[1]);
      ++pairs;
    }
  }
  return pairs > 0 ? loss + disagreement / pairs : loss;
}

class ForecastingTest : public testing::TestWithParam<const char*> {};

TEST_P(ForecastingTest, LossAndGradientsEqualTheReference) {
  torch::manual_seed(1);
  const Options options = Preset(GetParam());
  test::SmallStudent student(kDim);
  Forecasting objective(options, {});
  objective.Build(Shape(), student);
  TrainBatch batch = MakeBatch();
  batch.view_visible[0][1].zero_();                   // a camera that sees nothing
  batch.view_visible[1][0].narrow(0, 5, 35).zero_();  // and one that saw only the first frame
  const ObjectiveOutput out = objective.Step(student, batch, test::ContextOf(0, 10, 3));
  out.loss.backward();

  const std::int64_t latest = kFrames - 1 - options.horizon, earliest = latest / 2;
  const auto range = static_cast<std::uint64_t>(latest - earliest + 1);
  const auto t =
      earliest + static_cast<std::int64_t>(
                     pretext::StreamOf(test::ContextOf(0, 10, 3).generator).Below(range));
  const Weights w = test::DoubleOf(objective), s = test::DoubleOf(student);
  const Tensor loss = Reference(w, s, batch, t, options);
  loss.backward();
  EXPECT_LT(test::Difference(out.loss, loss), 1e-5);
  EXPECT_EQ(test::CompareGradients(objective, w, 1e-3), "");
  EXPECT_EQ(test::CompareGradients(student, s, 1e-3), "");
  EXPECT_EQ(out.predictions.sizes(), (at::IntArrayRef{kClips * kViews, kTarget}));
  EXPECT_EQ(out.monitors.contains("consistency"), options.consistency);
  EXPECT_TRUE(out.monitors.contains("cosine"));
  EXPECT_TRUE(out.monitors.contains("target_std"));
}

INSTANTIATE_TEST_SUITE_P(RowsOfTable19,
                         ForecastingTest,
                         testing::Values("full", "consistency", "direct", "field", "co-temporal"),
                         [](const auto& info) {
                           const std::string name = info.param;
                           return name == "co-temporal" ? "co_temporal" : name;
                         });

// What comes after frame t must not reach the student: it would be read off.
TEST(Forecasting, TheFutureIsHidden) {
  torch::manual_seed(2);
  test::SmallStudent student(kDim);
  Forecasting objective(Preset("field"), {});
  objective.Build(Shape(), student);
  TrainBatch batch = MakeBatch();
  const Tensor before = objective.Step(student, batch, test::ContextOf(0, 10, 3)).loss;
  // With horizon 4 the last known frame is at most 3.
  batch.input.centres.narrow(1, 4 * kPerFrame, 4 * kPerFrame).add_(1);
  EXPECT_TRUE(at::equal(before, objective.Step(student, batch, test::ContextOf(0, 10, 3)).loss));
  batch.input.centres.narrow(1, 0, kPerFrame).add_(1);
  EXPECT_FALSE(at::equal(before, objective.Step(student, batch, test::ContextOf(0, 10, 3)).loss));
}

TEST(Forecasting, WhatCannotBeIsRefusedWithTheRemedy) {
  EXPECT_THAT(CheckSchema(DescribeOptions().schema()), testing::IsEmpty());
  Options options = Preset("full");
  options.field = false;
  EXPECT_THROW(Forecasting(options, {}), Error);

  test::SmallStudent student(kDim);
  const auto refusal = [&](const ObjectiveShape& shape) -> std::string {
    try {
      Forecasting(Preset("full"), {}).Build(shape, student);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  ObjectiveShape shape = Shape();
  shape.views = 1;
  EXPECT_THAT(refusal(shape), testing::HasSubstr("targets.cameras = 2"));
  shape = Shape();
  shape.frames = 4;
  EXPECT_THAT(refusal(shape), testing::HasSubstr("horizon = 4 looks beyond"));
}

}  // namespace
}  // namespace cross4d::forecasting
