// SPDX-License-Identifier: Apache-2.0
#include "plugins/objectives/vicreg/vicreg.h"

#include <cross4d/sdk/error.h>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/plugins/objectives/reference.h"

namespace cross4d::vicreg {
namespace {

using test::Weights;
using torch::Tensor;

Options Small() {
  Options o;
  o.expander = {20, 16, 8};
  return o;
}

double At(const Tensor& x, std::int64_t i, std::int64_t j) { return x[i][j].item<double>(); }

// The published formulas by loops over numbers.
TEST(Vicreg, TermsByHand) {
  torch::manual_seed(1);
  const std::int64_t n = 5, d = 3;
  const Tensor a = at::randn({n, d}) * 0.5, b = a + at::randn({n, d}) * 0.1;
  double invariance = 0, variance = 0, covariance = 0;
  for (const Tensor& x : {a, b}) {
    double mean[3] = {}, cov[3][3] = {};
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t j = 0; j < d; ++j) mean[j] += At(x, i, j) / n;
    }
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t j = 0; j < d; ++j) {
        for (std::int64_t k = 0; k < d; ++k) {
          cov[j][k] += (At(x, i, j) - mean[j]) * (At(x, i, k) - mean[k]) / (n - 1);
        }
      }
    }
    for (std::int64_t j = 0; j < d; ++j) {
      variance += std::max(0.0, 1 - std::sqrt(cov[j][j] + 1e-4)) / d / 2;
      for (std::int64_t k = 0; k < d; ++k) covariance += j == k ? 0 : cov[j][k] * cov[j][k] / d;
    }
  }
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < d; ++j) {
      invariance += std::pow(At(a, i, j) - At(b, i, j), 2) / (n * d);
    }
  }
  const Terms terms = TermsOf(a, b);
  EXPECT_NEAR(terms.invariance.item<double>(), invariance, 1e-6);
  EXPECT_NEAR(terms.variance.item<double>(), variance, 1e-6);
  EXPECT_NEAR(terms.covariance.item<double>(), covariance, 1e-6);
  EXPECT_GT(covariance, 0.01);
}

// What the cached indices say about a clip is true of its views.
TEST(Vicreg, AViewKeepsNeighboursAndHeights) {
  const StudentInput input = test::MakeInput(3, 2, 15, 4);
  const StudentInput view = DrawView(input, {0.5, 2}, 180, test::ContextOf(0, 1, 6).generator);
  Tensor factors = at::empty({3});
  for (std::int64_t b = 0; b < 3; ++b) {
    const Tensor before = at::cdist(input.points[b], input.points[b]);
    const Tensor after = at::cdist(view.points[b], view.points[b]);
    const double factor = (view.points[b][0][0][2] / input.points[b][0][0][2]).item<double>();
    EXPECT_GE(factor, 0.5);
    EXPECT_LE(factor, 2);
    EXPECT_LT(test::Difference(after, before * factor), 1e-4);
    EXPECT_LT(test::Difference(view.points[b].select(2, 2), input.points[b].select(2, 2) * factor),
              1e-5);
    EXPECT_TRUE(at::equal(view.points[b].narrow(1, 0, 4).flatten(0, 1), view.centres[b]));
    factors[b] = factor;
  }
  EXPECT_GT((factors.max() - factors.min()).item<double>(), 0);
  // Turned, not mirrored.
  const Tensor x = view.points[0].narrow(1, 0, 3)[0], y = input.points[0].narrow(1, 0, 3)[0];
  EXPECT_GT((at::linalg_det(x) * at::linalg_det(y)).item<double>(), 0);
  EXPECT_TRUE(at::allclose(DrawView(input, {1, 1}, 0, test::ContextOf(0, 1, 6).generator).points,
                           input.points));
}

Tensor RefExpand(const Weights& w, Tensor x) {
  for (const char* i : {"0", "1"}) {
    x = test::RefLinear(w, std::string("expander") + i, x);
    x = (x - x.mean(0)) / at::sqrt(x.var(0, false) + 1e-5);
    const std::string norm = std::string("norm") + i;
    x = (x * w.at(norm + ".weight") + w.at(norm + ".bias")).clamp_min(0);
  }
  return test::RefLinear(w, "expander2", x);
}

TEST(Vicreg, LossAndGradientsEqualTheReference) {
  torch::manual_seed(2);
  test::SmallStudent student(12);
  Vicreg objective(Small(), {});
  objective.Build(test::ShapeFor(12), student);
  TrainBatch batch;
  batch.input = test::MakeInput(6, 2, 15, 4);
  const ObjectiveOutput out = objective.Step(student, batch, test::ContextOf(0, 10, 8));
  out.loss.backward();

  const Weights w = test::DoubleOf(objective), s = test::DoubleOf(student);
  const torch::Generator generator = test::ContextOf(0, 10, 8).generator;
  Tensor x[2];
  for (Tensor& side : x) {
    const StudentInput view = DrawView(batch.input, {0.8, 1.25}, 30, generator);
    side = RefExpand(w, test::RefEncode(s, test::RefEmbed(s, view)).mean(1));
  }
  Tensor loss = 25 * (x[0] - x[1]).square().mean();
  for (const Tensor& side : x) {
    const Tensor centred = side - side.mean(0);
    const Tensor cov = centred.t().mm(centred) / 5;
    loss = loss + 12.5 * (1 - at::sqrt(cov.diagonal() + 1e-4)).clamp_min(0).mean();
    loss = loss + (cov.square().sum() - cov.diagonal().square().sum()) / 8;
  }
  loss.backward();
  EXPECT_LT(test::Difference(out.loss, loss), 1e-4);
  EXPECT_EQ(test::CompareGradients(objective, w, 5e-3), "");
  EXPECT_EQ(test::CompareGradients(student, s, 5e-3), "");
  EXPECT_THAT(out.monitors,
              testing::ElementsAre(testing::Key("cosine"),
                                   testing::Key("covariance"),
                                   testing::Key("invariance"),
                                   testing::Key("variance")));
}

TEST(Vicreg, BadSettingsABatchOfOneAndCachedCoordinates) {
  EXPECT_THAT(CheckSchema(DescribeOptions().schema()), testing::IsEmpty());
  EXPECT_EQ(DescribeOptions().Read({{"preset", std::string("paper")}}).expander,
            (std::vector<std::int64_t>{8192, 8192, 8192}));
  Options options = Small();
  options.expander = {};
  EXPECT_THROW(Vicreg(options, {}), Error);
  options = Small();
  options.scale = {2, 1};
  EXPECT_THROW(Vicreg(options, {}), Error);

  test::SmallStudent student(12);
  Vicreg objective(Small(), {});
  objective.Build(test::ShapeFor(12), student);
  TrainBatch batch;
  batch.input = test::MakeInput(1, 2, 15, 4);
  const ObjectiveOutput out = objective.Step(student, batch, test::ContextOf(0, 10, 0));
  out.loss.backward();
  EXPECT_EQ(out.loss.item<double>(), 0);
  EXPECT_EQ(student.parameters()[0].grad().abs().sum().item<double>(), 0);

  batch.input.extra["offsets"] = at::zeros({1, 4});
  EXPECT_THROW(objective.Step(student, batch, test::ContextOf(0, 10, 0)), Error);
}

}  // namespace
}  // namespace cross4d::vicreg
