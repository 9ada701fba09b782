// SPDX-License-Identifier: Apache-2.0
// From clips to targets at every size: images, cameras, projections, granularities, teachers.
#include "core/data/sources.h"
#include "core/run/execute.h"
#include "core/store/store.h"
#include "core/tensorio/torch_view.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "tests/unit/run/chain.h"

namespace cross4d::run {
namespace {

using toy::Recorder;

struct Size {
  std::int64_t image = 112, cameras = 1;
  std::string projection = "random", granularity = "token";
  std::int64_t dim = 16;

  std::string Name() const {
    return std::to_string(image) + "_" + std::to_string(cameras) + "_" + projection + "_" +
           granularity;
  }
  OptionValues Options() const {
    return {{"image_size", Int(image)},
            {"cameras", Int(cameras)},
            {"projection", OptionValue(projection)},
            {"granularity", OptionValue(granularity)},
            {"dim", Int(dim)}};
  }
};

using Sizes = std::vector<std::int64_t>;

// The three stages of one size; the artifacts read back and compared with each other.
class Targets {
 public:
  Targets(const Size& size, const protocol::SpecPlugin& teacher)
      : size_(size), chain_("sizes_" + size.Name()) {
    ExecuteStage(chain_.Tokens(), recorder_);
    StageSpec features = chain_.Features();
    features.plugins.at("teacher") = teacher;
    features.options["targets"] = size.Options();
    ExecuteStage(features, recorder_);
    EXPECT_FALSE(fs::exists(features.Checkpoint()));
    StageSpec targets = chain_.Targets();
    targets.options["targets"] = size.Options();
    ExecuteStage(targets, recorder_);
    for (const char* kind : {"features", "targets"}) {
      EXPECT_TRUE(store::VerifyArtifact(chain_.Artifact(kind)).empty()) << kind;
    }
  }

  torch::Tensor Features(const std::string& name) const {
    return Read(chain_.Artifact("features") + "/features.safetensors", name);
  }
  torch::Tensor Written(const std::string& name) const {
    return Read(chain_.Artifact("targets") + "/targets.safetensors", name);
  }

  void ExpectShapes(std::int64_t steps, std::int64_t grid) const {
    const std::int64_t entries =
        size_.granularity == "token" ? kFrames * kTokens : kFrames * kPoints;
    EXPECT_EQ(Features("tokens").sizes(),
              (Sizes{kTrain, size_.cameras, steps, grid, grid, size_.dim}));
    EXPECT_EQ(Features("tokens").scalar_type(), torch::kFloat16);
    EXPECT_EQ(Written("targets").sizes(), (Sizes{kTrain, entries, size_.dim}));
    EXPECT_EQ(Written("targets").scalar_type(), torch::kFloat16);
    EXPECT_EQ(Written("frame").sizes(), (Sizes{kTrain, size_.cameras, kFrames, size_.dim}));
    EXPECT_EQ(Written("view_visible").sizes(), (Sizes{kTrain, size_.cameras, entries}));
    EXPECT_TRUE(torch::equal(Written("clip"), Features("clip")));
  }

  // What the trainer reads: the projected token of the patch of the first camera that sees the
  // token's nearest point, whatever the granularity.
  void ExpectTargetsOfTheRightPatches(std::int64_t tubelet) const {
    const data::TokenSource tokens(chain_.Artifact("tokens"));
    const data::TargetSource source(chain_.Artifact("targets"), tokens);
    const std::vector<std::int64_t> rows = {tokens.table().Rows(true).at(2)};
    TrainBatch batch;
    batch.input = tokens.Batch(rows);
    source.AddTokenTargets(rows, &batch);
    source.AddFrameTargets(rows, &batch);
    EXPECT_TRUE(torch::equal(batch.token_visible[0], batch.view_visible[0].any(0)));
    const torch::Tensor all = Features("tokens")[2].flatten(2, 3).to(torch::kFloat32);
    const torch::Tensor patch = Features("patch")[2].to(torch::kInt64);
    const torch::Tensor frame = tokens.Frames(rows)[0], point = tokens.Nearest(rows)[0];
    int seen = 0;
    for (std::int64_t l = 0; l < frame.numel(); ++l) {
      const auto t = frame[l].item<std::int64_t>(), n = point[l].item<std::int64_t>();
      torch::Tensor expected = torch::zeros({size_.dim});
      for (std::int64_t c = size_.cameras - 1; c >= 0; --c) {
        const auto p = patch[c][t][n].item<std::int64_t>();
        if (p >= 0) expected = all[c][t / tubelet][p];
      }
      EXPECT_TRUE(torch::equal(batch.token_targets[0][l], expected)) << l;
      seen += batch.token_visible[0][l].item<bool>();
    }
    EXPECT_GT(seen, frame.numel() / 5);
  }

  double Coverage() const { return recorder_.metrics.at({"coverage", -1}); }

  // Of SmallDataset and SmallStudent.
  static constexpr std::int64_t kTrain = 20, kFrames = 3, kPoints = 64, kTokens = 8;

 private:
  static torch::Tensor Read(const std::string& file, const std::string& name) {
    return tensorio::View(tensorio::SafetensorsFile::Open(file), name);
  }

  Size size_;
  Chain chain_;
  Recorder recorder_;
};

void ExpectGood(const Size& size, const protocol::SpecPlugin& teacher, std::int64_t patch) {
  SCOPED_TRACE(size.Name());
  const Targets targets(size, teacher);
  targets.ExpectShapes(Targets::kFrames, size.image / patch);
  targets.ExpectTargetsOfTheRightPatches(1);
}

TEST(TargetSizes, EveryCameraProjectionAndGranularity) {
  const auto teacher = Plugin("teacher", "shape-hog", {});
  for (const std::int64_t cameras : {1, 2, 4}) {
    for (const char* projection : {"random", "pca"}) {
      for (const char* granularity : {"token", "point"}) {
        ExpectGood({56, cameras, projection, granularity}, teacher, 4);
      }
    }
  }
}

TEST(TargetSizes, EveryImageSize) {
  const auto teacher = Plugin("teacher", "shape-hog", {});
  ExpectGood({112, 2, "pca", "token"}, teacher, 4);
  ExpectGood({224, 1, "random", "point"}, teacher, 4);
  ExpectGood({448, 1, "random", "token"}, teacher, 4);
  ExpectGood({36, 4, "random", "token"}, teacher, 4);
}

TEST(TargetSizes, MoreCamerasSeeMore) {
  const auto teacher = Plugin("teacher", "shape-hog", {});
  EXPECT_GT(Targets({56, 4}, teacher).Coverage(), Targets({56, 1}, teacher).Coverage());
}

class TransformerTargets : public testing::Test {
 protected:
  // A tiny model with random weights.
  protocol::SpecPlugin Teacher(const std::string& name, const std::string& model) {
    const char* data = std::getenv("CROSS4D_TEST_DATA");
    const fs::path weights = fs::path(data ? data : "") / "goldens/open" / model;
    if (!fs::exists(weights)) return {};
    return Plugin("teacher", name, {{"weights", OptionValue(weights.string())}});
  }
};

TEST_F(TransformerTargets, ImageModelAtEverySize) {
  const auto teacher = Teacher("dinov2", "dinov2_a");
  if (teacher.name.empty()) GTEST_SKIP() << "no goldens; set CROSS4D_TEST_DATA";
  ExpectGood({112, 4, "pca", "token", 32}, teacher, 14);
  ExpectGood({224, 1, "random", "token", 384}, teacher, 14);
  ExpectGood({448, 1, "random", "point", 48}, teacher, 14);
  ExpectGood({70, 2, "pca", "point"}, teacher, 14);
}

TEST_F(TransformerTargets, VideoModelReadsByTubelet) {
  const auto teacher = Teacher("vjepa2", "vjepa2_a");
  if (teacher.name.empty()) GTEST_SKIP() << "no goldens; set CROSS4D_TEST_DATA";
  // Three frames: the last is repeated to fill the second tubelet.
  const Targets targets({64, 2}, teacher);
  const std::int64_t grid = targets.Features("tokens").size(3);
  EXPECT_EQ(64 % grid, 0);
  targets.ExpectShapes(2, grid);
  targets.ExpectTargetsOfTheRightPatches(2);
}

}  // namespace
}  // namespace cross4d::run
