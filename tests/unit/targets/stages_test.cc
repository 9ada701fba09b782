// SPDX-License-Identifier: Apache-2.0
#include "core/targets/stages.h"

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/data/sources.h"
#include "core/protocol/stage_spec.h"
#include "core/targets/projection.h"
#include "core/tensorio/torch_view.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "tests/unit/targets/stage_files.h"

namespace cross4d::targets {
namespace {

using toy::Folder;
using toy::Recorder;

struct Outputs {
  fs::path tokens, features, targets;
  Recorder recorder;
};

std::unique_ptr<Outputs> RunAll(const std::string& name,
                                int threads,
                                const protocol::TargetsOptions& options) {
  const toy::ToyDataset dataset;
  const toy::ToyStudent student;
  toy::ToyTeacher teacher;
  auto out = std::make_unique<Outputs>();
  out->tokens = Folder(name + "/tokens");
  out->features = Folder(name + "/features");
  out->targets = Folder(name + "/targets");
  RunTokens(dataset, student, out->tokens, threads, out->recorder);
  RunFeatures(dataset,
              teacher,
              options,
              out->features,
              {Folder(name + "/checkpoint"), "test"},
              threads,
              out->recorder);
  RunTargets(out->tokens, out->features, options, out->targets, threads, out->recorder);
  return out;
}

TEST(TokensStage, KeepsPointsGeometryAndLabelsOfAllClips) {
  const auto out = RunAll("tokens", 1, SmallOptions());
  const data::TokenSource source(out->tokens);
  EXPECT_EQ(source.table().clips.size(), 9u);
  EXPECT_EQ(source.table().frames, 4);
  EXPECT_EQ(source.table().points, 6);
  EXPECT_EQ(source.table().tokens, 12);
  EXPECT_EQ(source.table().Rows(true), (std::vector<std::int64_t>{0, 1, 3, 4, 6, 7}));
  const toy::ToyDataset dataset;
  const toy::ToyStudent student;
  const std::vector<std::int64_t> rows = {7, 2};
  const StudentInput batch = source.Batch(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto k = static_cast<std::int64_t>(i);
    const torch::Tensor points = dataset.Load(rows[i]).points;
    const TokenGeometry g = student.Tokenize(points);
    EXPECT_TRUE(torch::equal(batch.points[k], points));
    EXPECT_TRUE(torch::equal(batch.centres[k], g.centres));
    EXPECT_TRUE(torch::equal(batch.frames[k], g.frames));
    EXPECT_TRUE(torch::equal(source.Nearest(rows)[k], g.nearest));
    EXPECT_TRUE(torch::equal(batch.extra.at("twice")[k], g.extra.at("twice")));
    EXPECT_EQ(batch.extra.at("twice").scalar_type(), torch::kInt64) << "as Tokenize gave it";
    EXPECT_EQ(batch.extra.at("short").scalar_type(), torch::kInt16);
  }
  EXPECT_EQ(Read(out->tokens / data::kTokensFile, "nearest").scalar_type(), torch::kInt16);
  EXPECT_EQ(Read(out->tokens / data::kTokensFile, "extra.twice").scalar_type(), torch::kInt32);
}

TEST(TargetsStage, EachVisibleTokenGetsItsPatchFeature) {
  const auto out = RunAll("gather", 1, SmallOptions());
  const torch::Tensor targets = Read(out->targets / data::kTargetsFile, "targets");
  const torch::Tensor visible = Read(out->targets / data::kTargetsFile, "visible");
  const torch::Tensor patch = Read(out->features / kFeaturesFile, "patch");
  const torch::Tensor tokens = Read(out->features / kFeaturesFile, "tokens");
  ASSERT_EQ(targets.sizes(), (std::vector<std::int64_t>{6, 12, 3}));
  ASSERT_EQ(tokens.sizes(), (std::vector<std::int64_t>{6, 1, 4, 4, 4, 3}));
  int seen = 0;
  for (int i = 0; i < 6; ++i) {
    for (int l = 0; l < 12; ++l) {
      const int frame = l / 3, point = l % 3 * 2;
      const auto p = patch[i][0][frame][point].item<std::int64_t>();
      EXPECT_EQ(visible[i][l].item<int>(), p >= 0 ? 1 : 0);
      seen += p >= 0;
      const torch::Tensor expected =
          p < 0 ? torch::zeros({3}, torch::kFloat16) : tokens[i][0][frame][p / 4][p % 4].clone();
      EXPECT_TRUE(torch::equal(targets[i][l], expected)) << i << " " << l;
    }
  }
  EXPECT_GT(seen, 20);
  EXPECT_LT(seen, 72) << "some are hidden";
  EXPECT_NEAR(out->recorder.metrics.at({"token_coverage", -1}), seen / 72.0, 1e-12);
  const double coverage = (patch >= 0).to(torch::kFloat64).mean().item<double>();
  EXPECT_NEAR(out->recorder.metrics.at({"coverage", -1}), coverage, 1e-12);
}

TEST(TargetsStage, ClipTargetIsTheMeanOfAllProjectedTokens) {
  const auto out = RunAll("clip", 1, SmallOptions());
  const torch::Tensor mean =
      Read(out->features / kFeaturesFile, "tokens").to(torch::kFloat32).flatten(1, 4).mean(1);
  const torch::Tensor clip = Read(out->targets / data::kTargetsFile, "clip");
  EXPECT_TRUE(torch::allclose(mean, clip, 1e-2, 1e-2)) << "up to FP16 rounding";
}

TEST(TargetsStage, FrameTargetsAreTheMeansOfWhatEachCameraSees) {
  protocol::TargetsOptions options = SmallOptions();
  options.cameras = 2;
  const auto out = RunAll("frames", 1, options);
  const torch::Tensor tokens = Read(out->features / kFeaturesFile, "tokens").to(torch::kFloat32);
  const torch::Tensor patch = Read(out->features / kFeaturesFile, "patch");
  const data::TokenSource source(out->tokens);
  const data::TargetSource targets(out->targets, source);
  EXPECT_EQ(targets.views(), 2);
  const std::vector<std::int64_t> rows = {6, 1};  // the training clips 4 and 1
  TrainBatch batch;
  batch.input = source.Batch(rows);
  targets.AddFrameTargets(rows, &batch);
  ASSERT_EQ(batch.frame_targets.sizes(), (std::vector<std::int64_t>{2, 2, 4, 3}));
  ASSERT_EQ(batch.view_visible.sizes(), (std::vector<std::int64_t>{2, 2, 12}));
  for (int b = 0; b < 2; ++b) {
    const int clip = b == 0 ? 4 : 1;
    const torch::Tensor mean = tokens[clip].flatten(2, 3).mean(2);
    EXPECT_TRUE(torch::allclose(batch.frame_targets[b], mean, 1e-3, 1e-3)) << "up to FP16";
    for (int v = 0; v < 2; ++v) {
      for (int l = 0; l < 12; ++l) {
        EXPECT_EQ(batch.view_visible[b][v][l].item<bool>(),
                  patch[clip][v][l / 3][l % 3 * 2].item<int>() >= 0);
      }
    }
  }
  EXPECT_FALSE(torch::equal(batch.view_visible.select(1, 0), batch.view_visible.select(1, 1)));
}

TEST(TargetsStage, FrameTargetsOfAVideoTeacherAreThoseOfTheTubelet) {
  const toy::ToyDataset dataset;
  toy::ToyTeacher teacher;
  teacher.tubelet = 2;
  Recorder recorder;
  const fs::path tokens = Folder("video_frames/tokens"), features = Folder("video_frames/features"),
                 targets = Folder("video_frames/targets");
  RunTokens(dataset, toy::ToyStudent(), tokens, 1, recorder);
  RunFeatures(dataset,
              teacher,
              SmallOptions(),
              features,
              {Folder("video_checkpoint"), "test"},
              1,
              recorder);
  RunTargets(tokens, features, SmallOptions(), targets, 1, recorder);
  const torch::Tensor frame = Read(targets / data::kTargetsFile, "frame");
  ASSERT_EQ(frame.sizes(), (std::vector<std::int64_t>{6, 1, 4, 3}));
  EXPECT_TRUE(torch::equal(frame.select(2, 0), frame.select(2, 1)));
  EXPECT_TRUE(torch::equal(frame.select(2, 2), frame.select(2, 3)));
  EXPECT_FALSE(torch::equal(frame.select(2, 1), frame.select(2, 2)));
}

TEST(TargetsStage, PointGranularityGivesTheTrainerTheSameTargets) {
  protocol::TargetsOptions options = SmallOptions();
  const auto by_token = RunAll("by_token", 1, options);
  options.granularity = "point";
  const auto by_point = RunAll("by_point", 1, options);
  EXPECT_EQ(Read(by_point->targets / data::kTargetsFile, "targets").size(1), 24);
  const data::TokenSource tokens(by_token->tokens);
  const std::vector<std::int64_t> rows = {4, 0, 7};
  TrainBatch a, b;
  a.input = b.input = tokens.Batch(rows);
  const data::TargetSource token_source(by_token->targets, tokens);
  const data::TargetSource point_source(by_point->targets, tokens);
  token_source.AddTokenTargets(rows, &a);
  point_source.AddTokenTargets(rows, &b);
  EXPECT_TRUE(torch::equal(a.token_targets, b.token_targets));
  EXPECT_TRUE(torch::equal(a.token_visible, b.token_visible));
  token_source.AddFrameTargets(rows, &a);
  point_source.AddFrameTargets(rows, &b);
  EXPECT_TRUE(torch::equal(a.frame_targets, b.frame_targets));
  EXPECT_TRUE(torch::equal(a.view_visible, b.view_visible));
}

TEST(TargetsStage, SeveralCamerasSeeMoreAndMeanDiffersFromFirst) {
  protocol::TargetsOptions options = SmallOptions();
  const auto one = RunAll("one_camera", 1, options);
  options.cameras = 4;
  const auto first = RunAll("first", 1, options);
  options.multi_camera = "mean";
  const auto mean = RunAll("mean", 1, options);
  EXPECT_GT(first->recorder.metrics.at({"coverage", -1}),
            one->recorder.metrics.at({"coverage", -1}));
  const auto targets = [](const Outputs& o) {
    return Read(o.targets / data::kTargetsFile, "targets").clone();
  };
  EXPECT_FALSE(torch::equal(targets(*first), targets(*mean)));
  EXPECT_TRUE(torch::equal(Read(first->targets / data::kTargetsFile, "visible"),
                           Read(mean->targets / data::kTargetsFile, "visible")));
}

TEST(TargetsStage, SameBytesWithOneAndTwoThreads) {
  protocol::TargetsOptions options = SmallOptions();
  options.cameras = 2;
  const auto one = RunAll("threads1", 1, options);
  const auto two = RunAll("threads2", 2, options);
  EXPECT_EQ(HashFolder(one->tokens), HashFolder(two->tokens));
  EXPECT_EQ(HashFolder(one->features), HashFolder(two->features));
  EXPECT_EQ(HashFolder(one->targets), HashFolder(two->targets));
}

// When one of these changes, artifacts of older builds no longer fit: bump StageVersion of that
// kind in core/protocol/stage_spec.cc together with the line here. Only what no rounding can touch
// is hashed.
TEST(StageGolden, BytesChangeOnlyWithTheStageVersion) {
  protocol::TargetsOptions options = SmallOptions();
  options.splat_radius = 1;
  options.visibility = "owns-pixel";
  const auto out = RunAll("golden", 1, options);
  const torch::Tensor patch = Read(out->features / kFeaturesFile, "patch");
  const auto bytes = tensorio::BytesOf(patch);
  const std::string patch_text =
      patch.toString() + std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto name = [](const char* kind) {
    return std::string(kind) + " " + std::to_string(protocol::StageVersion(kind));
  };
  const std::map<std::string, std::string> found = {
      {name("tokens"), HashFolder(out->tokens)},
      {name("features"), base::Sha256Hex(patch_text).substr(0, 16)}};
  const std::map<std::string, std::string> expected = {{"tokens 1", "a3826da41e7cbc58"},
                                                       {"features 1", "a8dc00edd231bdf8"}};
  EXPECT_EQ(found, expected);
}

TEST(Projection, RandomEntriesAreGaussianAndReproducible) {
  const Projection a = RandomProjection(512, 256, 0), b = RandomProjection(512, 256, 0);
  EXPECT_TRUE(torch::equal(a.matrix, b.matrix));
  EXPECT_FALSE(torch::equal(a.matrix, RandomProjection(512, 256, 1).matrix));
  const torch::Tensor z = a.matrix.to(torch::kFloat64) * 16;  // sqrt(256): unit variance
  EXPECT_NEAR(z.mean().item<double>(), 0, 0.01);
  EXPECT_NEAR(z.var().item<double>(), 1, 0.02);
  EXPECT_NEAR(z.pow(4).mean().item<double>(), 3, 0.1) << "kurtosis of a Gaussian";
  // Johnson-Lindenstrauss: lengths are kept on average.
  const torch::Tensor x = torch::ones({1, 512});
  EXPECT_NEAR(a.Apply(x).norm().item<double>() / x.norm().item<double>(), 1, 0.1);
}

TEST(Projection, PcaEqualsTheSingularVectors) {
  torch::manual_seed(3);
  const torch::Tensor x =
      torch::randn({200, 6}).matmul(torch::diag(torch::tensor({5.f, 4.f, 3.f, 2.f, 1.f, .5f}))) + 7;
  PcaFit fit(6);
  fit.Add(x.slice(0, 0, 50));
  fit.Add(x.slice(0, 50));
  const Projection p = fit.Finish(3);
  const torch::Tensor centred = x - x.mean(0);
  const torch::Tensor v = std::get<2>(torch::linalg_svd(centred, false)).slice(0, 0, 3).t();
  EXPECT_TRUE(torch::allclose(p.matrix.abs(), v.abs(), 1e-3, 1e-3));
  const torch::Tensor y = p.Apply(x);
  EXPECT_TRUE(torch::allclose(y.abs(), centred.matmul(v).abs(), 1e-2, 1e-2));
  const torch::Tensor largest = std::get<0>(p.matrix.max(0));
  EXPECT_TRUE((largest >= p.matrix.neg().amax(0)).all().item<bool>()) << "signs are fixed";
}

TEST(TargetsStage, TokenTargetsTakeTheBytesThatTheMethodStates) {
  // 1536 tokens x 384 x 2 bytes = 1.18 MB per clip.
  tensorio::TensorDecl decl{"targets", tensorio::DType::kF16, {1, 1536, 384}};
  const fs::path path = Folder("size") / "t.safetensors";
  tensorio::SafetensorsWriter(path, {decl}).Finish();
  const auto file = tensorio::SafetensorsFile::Open(path);
  EXPECT_EQ(file->Bytes(file->Get("targets")).size(), 1179648u);
}

}  // namespace
}  // namespace cross4d::targets
