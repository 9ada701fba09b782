// SPDX-License-Identifier: Apache-2.0
#include "core/eval/linear_probe.h"

#include "core/data/sources.h"
#include "core/eval/embeddings.h"
#include "core/eval/lbfgs.h"
#include "core/targets/stages.h"
#include "core/tensorio/torch_view.h"
#include "core/train/checkpoint.h"

#include <gtest/gtest.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adamw.h>

#include <cmath>

#include "tests/unit/targets/toy.h"

namespace cross4d::eval {
namespace {

using protocol::LinearProbeOptions;

// Three classes around well separated centres; half the rows are the test split.
struct Blobs {
  torch::Tensor x;
  data::ClipTable table;
  explicit Blobs(double noise, int n = 120) {
    torch::manual_seed(5);
    const torch::Tensor centres = torch::randn({3, 8});
    x = torch::empty({n, 8});
    for (int i = 0; i < n; ++i) {
      x[i] = centres[i % 3] + noise * torch::randn({8});
      table.clips.push_back(
          {"c" + std::to_string(i), "v" + std::to_string(i), i % 3, 0, i < n / 2});
    }
    table.classes = {"a", "b", "c"};
  }
};

TEST(LinearProbe, SeparableDataIsLearntByBothSolvers) {
  const Blobs blobs(0.05);
  for (const char* solver : {"adamw", "lbfgs"}) {
    for (bool standardize : {false, true}) {
      LinearProbeOptions o;
      o.solver = solver;
      o.standardize = standardize;
      const ProbeScore score = ProbeClips(blobs.x, blobs.table, o, 0);
      EXPECT_EQ(score.accuracy, 1) << solver;
      EXPECT_EQ(score.accuracy_clip, 1) << solver;
      EXPECT_LT(score.loss, 0.2) << solver;
    }
  }
}

TEST(LinearProbe, NoiseIsNotLearnt) {
  Blobs blobs(0.05, 600);
  blobs.x = torch::randn({600, 8});
  const ProbeScore score = ProbeClips(blobs.x, blobs.table, {}, 0);
  EXPECT_NEAR(score.accuracy, 1.0 / 3, 0.1);
}

TEST(LinearProbe, AdamWIsTorchsAdamW) {
  const Blobs blobs(0.5);
  const torch::Tensor x = blobs.x.slice(0, 0, 32).contiguous();
  const torch::Tensor y = torch::arange(32).remainder(3);
  LinearProbeOptions o;
  o.epochs = 20;  // one full batch each, so that the order of rows does not matter
  const LinearModel ours = TrainLinear(x, y, 3, o, 0);
  torch::nn::Linear linear(8, 3);
  torch::nn::init::zeros_(linear->weight);
  torch::nn::init::zeros_(linear->bias);
  torch::optim::AdamW adamw(linear->parameters(),
                            torch::optim::AdamWOptions(o.lr).weight_decay(o.weight_decay));
  for (int i = 0; i < 20; ++i) {
    adamw.zero_grad();
    at::cross_entropy_loss(linear->forward(x), y).backward();
    adamw.step();
  }
  EXPECT_TRUE(torch::allclose(ours.weight, linear->weight, 1e-3, 1e-5));
  EXPECT_TRUE(torch::allclose(ours.bias, linear->bias, 1e-3, 1e-5));
}

TEST(LinearProbe, TheSeedDecidesTheOrderOnly) {
  const Blobs blobs(1.0);
  const auto loss = [&](std::uint64_t seed) {
    return ProbeClips(blobs.x, blobs.table, {}, seed).loss;
  };
  EXPECT_EQ(loss(1), loss(1));
  EXPECT_NE(loss(1), loss(2));
  EXPECT_NEAR(loss(1), loss(2), 0.05);
}

TEST(LinearProbe, StandardisingMakesTheScaleIrrelevant) {
  const Blobs blobs(1.0);
  LinearProbeOptions o;
  o.standardize = true;
  const double a = ProbeClips(blobs.x, blobs.table, o, 0).loss;
  const double b = ProbeClips(blobs.x * 1000 + 5, blobs.table, o, 0).loss;
  EXPECT_NEAR(a, b, 1e-3);
  o.standardize = false;
  EXPECT_GT(std::abs(ProbeClips(blobs.x * 0.01, blobs.table, o, 0).loss -
                     ProbeClips(blobs.x, blobs.table, o, 0).loss),
            0.05);
}

TEST(LinearProbe, StandardizeUsesTheTrainingStatistics) {
  torch::Tensor train = torch::tensor({{1.f, 7.f}, {3.f, 7.f}}), test = torch::tensor({{5.f, 8.f}});
  const torch::Tensor reference = train;
  Standardize(reference, {&train, &test});
  EXPECT_TRUE(torch::equal(train, torch::tensor({{-1.f, 0.f}, {1.f, 0.f}})));
  EXPECT_TRUE(torch::equal(test, torch::tensor({{3.f, 0.f}}))) << "a constant column becomes 0";
}

TEST(LinearProbe, AVideoIsDecidedByTheSumOverItsClips) {
  // One feature, two classes, boundary at 0. Video v: one clip far on its side, two just across.
  data::ClipTable table;
  std::vector<float> x;
  const auto add = [&](const char* video, std::int64_t label, bool train, float value) {
    table.clips.push_back({std::to_string(x.size()), video, label, 0, train});
    x.push_back(value);
  };
  for (int i = 0; i < 20; ++i) add("t", i % 2, true, i % 2 == 0 ? -1.f : 1.f);
  add("v", 1, false, 4.f);
  add("v", 1, false, -0.2f);
  add("v", 1, false, -0.2f);
  add("unlabelled", -1, false, 0.f);
  LinearProbeOptions o;
  const ProbeScore score = ProbeClips(torch::tensor(x).view({-1, 1}), table, o, 0);
  EXPECT_NEAR(score.accuracy_clip, 1.0 / 3, 1e-9);
  EXPECT_EQ(score.accuracy, 1);
  ASSERT_EQ(score.videos.size(), 1u);
  EXPECT_EQ(score.videos[0].predicted, 1);
}

TEST(LinearProbe, ASplitWithoutLabelsIsAnError) {
  Blobs blobs(0.1);
  for (auto& clip : blobs.table.clips) {
    if (!clip.train) clip.label = -1;
  }
  EXPECT_THROW(ProbeClips(blobs.x, blobs.table, {}, 0), Error);
}

TEST(Lbfgs, FindsTheMinimumOfAQuadratic) {
  torch::manual_seed(1);
  const torch::Tensor a = torch::randn({6, 6}, torch::kFloat64);
  const torch::Tensor q = a.mm(a.t()) + torch::eye(6, torch::kFloat64);
  const torch::Tensor b = torch::randn({6}, torch::kFloat64);
  torch::Tensor x = torch::zeros({6}, torch::kFloat64);
  const int steps = MinimizeLbfgs(
      [&](const torch::Tensor& v, torch::Tensor* g) {
        *g = q.mv(v) - b;
        return (0.5 * v.dot(q.mv(v)) - v.dot(b)).item<double>();
      },
      &x,
      200,
      1e-9);
  EXPECT_LT(steps, 200);
  EXPECT_TRUE(torch::allclose(q.mv(x), b, 1e-6, 1e-6));
}

TEST(Embeddings, AreTheMeansOverTokensInEvalMode) {
  toy::Recorder recorder;
  const auto tokens = toy::Folder("embed/tokens"), out = toy::Folder("embed/out");
  torch::manual_seed(0);
  toy::ToyStudent student;
  targets::RunTokens(toy::ToyDataset(11), student, tokens, 1, recorder);
  student.train();
  RunEmbeddings(student, tokens, out, recorder);
  EXPECT_FALSE(student.is_training());
  const auto file = tensorio::SafetensorsFile::Open(out / kEmbeddingsFile);
  const torch::Tensor got = tensorio::View(file, "embeddings");
  ASSERT_EQ(got.sizes(), (std::vector<std::int64_t>{11, 4}));
  const data::TokenSource source(tokens);
  const std::vector<std::int64_t> row = {9};
  const torch::NoGradGuard no_grad;
  const torch::Tensor expected = student.Forward(source.Batch(row)).features.mean(1)[0];
  EXPECT_TRUE(torch::allclose(got[9], expected, 1e-6, 1e-6));
  EXPECT_EQ(data::ReadClipTable(out).clips.size(), 11u);
}

}  // namespace
}  // namespace cross4d::eval
