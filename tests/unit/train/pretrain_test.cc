// SPDX-License-Identifier: Apache-2.0
#include "core/train/pretrain.h"

#include "core/targets/stages.h"
#include "core/train/checkpoint.h"
#include "core/train/losses.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "tests/unit/targets/toy.h"

namespace cross4d::train {
namespace {

namespace fs = std::filesystem;
using toy::Folder;
using toy::Recorder;

// Tokens and targets of the toy data set, made once.
struct Fixture {
  fs::path tokens = Folder("train/tokens"), targets = Folder("train/targets");
  Fixture() {
    const toy::ToyDataset dataset(30);
    toy::ToyTeacher teacher;
    protocol::TargetsOptions options;
    options.image_size = 16;
    options.dim = 5;
    Recorder recorder;
    const fs::path features = Folder("train/features");
    targets::RunTokens(dataset, toy::ToyStudent(), tokens, 1, recorder);
    targets::RunFeatures(
        dataset, teacher, options, features, {Folder("train/checkpoint"), "test"}, 1, recorder);
    targets::RunTargets(tokens, features, options, targets, 1, recorder);
  }
  static const Fixture& Get() {
    static const Fixture fixture;
    return fixture;
  }
};

struct Run {
  std::shared_ptr<toy::ToyStudent> student;
  std::shared_ptr<toy::ToyObjective> objective;
  Recorder recorder;
  std::string error;
  ErrorCode code = ErrorCode::kInternal;
};

protocol::PretrainOptions Options() {
  protocol::PretrainOptions o;
  o.epochs = 3;
  o.batch = 6;  // 20 clips: batches of 6, 6, 6, 2
  o.lr = 1e-2;
  o.variance_weight = 0.1;
  return o;
}

std::unique_ptr<Run> Train(std::uint64_t seed,
                           const fs::path& checkpoint,
                           int stop_after = -1,
                           double every_s = 1e9,
                           std::int64_t nan_at = -1) {
  at::set_num_threads(1);
  const data::TokenSource tokens(Fixture::Get().tokens);
  const data::TargetSource targets(Fixture::Get().targets, tokens);
  auto run = std::make_unique<Run>();
  torch::manual_seed(seed);
  run->student = std::make_shared<toy::ToyStudent>();
  run->objective = std::make_shared<toy::ToyObjective>();
  run->objective->Build({4, targets.dim()}, *run->student);
  run->objective->nan_at = nan_at;
  run->recorder.stop_after = stop_after;
  const PretrainJob job{.student = *run->student,
                        .objective = *run->objective,
                        .tokens = tokens,
                        .targets = &targets,
                        .token_targets = true,
                        .options = Options(),
                        .seed = seed,
                        .checkpoint = checkpoint,
                        .checkpoint_every_s = every_s};
  try {
    Pretrain(job, run->recorder);
  } catch (const Error& e) {
    run->error = e.what();
    run->code = e.code();
  }
  return run;
}

bool SameState(const Run& a, const Run& b) {
  const NamedTensors x = StateOf(*a.student), y = StateOf(*b.student);
  if (x.size() != y.size()) return false;
  for (const auto& [name, tensor] : x) {
    if (!torch::equal(tensor, y.at(name))) return false;
  }
  return true;
}

std::map<std::pair<std::string, std::int64_t>, double> WithoutTimes(const Run& run) {
  auto metrics = run.recorder.metrics;
  metrics.erase({"seconds", -1});
  return metrics;
}

TEST(Pretrain, LossFallsAndEveryEpochIsRecorded) {
  const auto run = Train(0, Folder("ck/plain"));
  EXPECT_EQ(run->error, "");
  const auto& m = run->recorder.metrics;
  EXPECT_LT(m.at({"loss", 3}), m.at({"loss", 1}));
  EXPECT_EQ(m.at({"loss", -1}), m.at({"loss", 3}));
  EXPECT_NEAR(m.at({"batch", 1}), 20.0 / 4, 1e-12);
  EXPECT_NEAR(m.at({"lr", 3}), 1e-6, 1e-9);
  EXPECT_GT(m.at({"effective_rank", 1}), 1);
  EXPECT_LE(m.at({"effective_rank", 1}), 5);
  EXPECT_GT(m.at({"feature_std", 2}), 0);
  EXPECT_EQ(m.at({"params", -1}), 3 * 8 + 8 + 16 + 8 * 4 + 4);
  EXPECT_EQ(m.at({"head_params", -1}), 4 * 5 + 5);
  EXPECT_FALSE(run->student->is_training());
  EXPECT_EQ(run->recorder.last.total, 12);
}

TEST(Pretrain, TheSameSeedGivesTheSameBits) {
  const auto a = Train(1, Folder("ck/a")), b = Train(1, Folder("ck/b")),
             c = Train(2, Folder("ck/c"));
  EXPECT_TRUE(SameState(*a, *b));
  EXPECT_EQ(WithoutTimes(*a), WithoutTimes(*b));
  EXPECT_FALSE(SameState(*a, *c));
}

TEST(Pretrain, ResumingEqualsAnUninterruptedRunBitForBit) {
  const auto whole = Train(3, Folder("ck/whole"));
  // Stopped within an epoch, at an epoch's end, and twice; the last with periodic checkpoints as
  // well.
  for (const std::vector<int>& stops : {std::vector<int>{2}, {4}, {3, 2}, {9}}) {
    const fs::path folder = Folder("ck/parts");
    for (int stop : stops) {
      const auto part = Train(3, folder, stop, 0);
      EXPECT_EQ(part->code, ErrorCode::kCancelled) << part->error;
    }
    const auto rest = Train(3, folder);
    EXPECT_EQ(rest->error, "");
    EXPECT_LT(rest->objective->steps, 12);
    EXPECT_NE(rest->recorder.log.find("continues at step"), std::string::npos);
    EXPECT_TRUE(SameState(*whole, *rest));
    EXPECT_EQ(WithoutTimes(*whole), WithoutTimes(*rest)) << "the curve is whole again";
  }
}

TEST(Pretrain, ANanNamesStepTermAndCheckpoint) {
  const auto run = Train(0, Folder("ck/nan"), -1, 1e9, 5);
  EXPECT_NE(run->error.find("the objective's loss (error) is NaN at step 5 of 12 (epoch 2)"),
            std::string::npos)
      << run->error;
  EXPECT_NE(run->error.find("no checkpoint"), std::string::npos);
  const fs::path folder = Folder("ck/nan2");
  const auto with = Train(0, folder, -1, 0, 5);
  EXPECT_NE(with->error.find("last good checkpoint: step 5, in " + folder.string()),
            std::string::npos)
      << with->error;
}

TEST(Pretrain, ADamagedCheckpointIsRefusedWithItsName) {
  const fs::path folder = Folder("ck/damaged");
  Train(0, folder, 2, 0);
  fs::resize_file(folder / "state.safetensors", 100);
  EXPECT_NE(Train(0, folder)->error.find("state.safetensors"), std::string::npos);
}

TEST(VarianceHinge, ByHand) {
  // Columns with variance 0.25 and 4: hinge max(0, 1 - sqrt(0.25 + 1e-4)) and 0.
  const float a = 0.5f * std::sqrt(0.5f), b = 2 * std::sqrt(0.5f);
  const torch::Tensor x = torch::tensor({{a, b}, {-a, -b}});
  const double expected = (1 - std::sqrt(0.25 + 1e-4)) / 2;
  EXPECT_NEAR(VarianceHinge(x).item<double>(), expected, 1e-6);
  EXPECT_EQ(VarianceHinge(x.slice(0, 0, 1)).item<double>(), 0);
}

TEST(Spread, RankOfKnownCovariances) {
  torch::manual_seed(0);
  const torch::Tensor round = torch::randn({4000, 4});
  EXPECT_NEAR(MeasureSpread(round).effective_rank, 4, 0.05);
  EXPECT_NEAR(MeasureSpread(round).feature_std, 1, 0.05);
  const torch::Tensor line = torch::randn({100, 1}).expand({100, 4});
  EXPECT_NEAR(MeasureSpread(line).effective_rank, 1, 1e-6);
  EXPECT_EQ(MeasureSpread(torch::ones({10, 3})).effective_rank, 0);
}

TEST(FlatParameters, DecayLeavesBiasesNormsAndEmbeddingsOut) {
  EXPECT_TRUE(IsDecayFree("norm.weight", torch::ones({8})));
  EXPECT_TRUE(IsDecayFree("time_table", torch::ones({32, 8})));
  EXPECT_TRUE(IsDecayFree("pos_embed", torch::ones({1, 4, 8})));
  EXPECT_FALSE(IsDecayFree("first.weight", torch::ones({8, 3})));
}

TEST(FlatParameters, ModulesKeepWorkingAndGradientsArrive) {
  torch::manual_seed(0);
  toy::ToyStudent student;
  const torch::Tensor before = StateOf(student).at("first.weight").clone();
  FlatParameters flat({&student});
  EXPECT_TRUE(torch::equal(before, StateOf(student).at("first.weight")));
  StudentInput in;
  in.centres = torch::randn({2, 5, 3});
  in.frames = torch::zeros({2, 5}, torch::kInt64);
  flat.ZeroGradients();
  student.Forward(in).features.square().sum().backward();
  double expected = 0;
  for (const torch::Tensor& p : student.parameters()) {
    expected += p.grad().square().sum().item<double>();
  }
  EXPECT_GT(expected, 0);
  EXPECT_NEAR(flat.GradientNorm(), std::sqrt(expected), 1e-4 * std::sqrt(expected));
  flat.Step({}, 1e-2, 1, 1);
  EXPECT_FALSE(torch::equal(before, StateOf(student).at("first.weight")));
}

TEST(Calibrate, MovesBatchNormStatisticsOnly) {
  const data::TokenSource tokens(Fixture::Get().tokens);
  torch::manual_seed(0);
  toy::ToyStudent student;
  NamedTensors before;
  for (const auto& [name, t] : StateOf(student)) before[name] = t.clone();
  Recorder recorder;
  Calibrate(student, tokens, 64, 0, recorder);
  for (const auto& [name, t] : StateOf(student)) {
    const bool statistic =
        name.find("running") != std::string::npos || name.find("tracked") != std::string::npos;
    EXPECT_EQ(torch::equal(before.at(name), t), !statistic) << name;
  }
  EXPECT_FALSE(student.is_training());
}

}  // namespace
}  // namespace cross4d::train
