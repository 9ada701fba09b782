// SPDX-License-Identifier: Apache-2.0
// A suite that cannot fail proves nothing: each fault below must be found, and by the right check.
#include "core/conformance/conformance.h"

#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/error.h>
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/student.h>
#include <cross4d/sdk/teacher.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include <atomic>
#include <string>

namespace cross4d::conformance {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Which fault the plugins below have; "" = none.
std::string fault;
std::atomic<int> counter{0};

bool Has(const char* name) { return fault == name; }

struct Options {
  std::int64_t stride = 8;
  std::int64_t width = 16;
};

OptionTable<Options> Describe() {
  OptionTable<Options> t;
  auto stride = t.Add("stride", &Options::stride, "Every n-th point is a token.").Range(4, 64);
  if (!Has("unmarked option")) stride.Tokenizer();
  t.Add("width", &Options::width, "Channels.").Range(1, 1024);
  return t;
}

class TestDataset final : public Dataset {
 public:
  TestDataset(const Options&, const PluginContext&) {
    const int order = Has("index order") ? counter++ : 0;
    for (int i = 0; i < 6; ++i) {
      ClipInfo clip;
      clip.id = clip.video = "clip" + std::to_string((i + order) % 6);
      if (Has("same id")) clip.id = "clip";
      clip.label = Has("label") ? 7 : i % 2;
      clip.split = i < 3 || Has("one split") ? Split::kTrain : Split::kTest;
      clips_.push_back(clip);
    }
  }
  const std::vector<ClipInfo>& clips() const override { return clips_; }
  Clip Load(std::int64_t index) const override {
    Clip clip;
    clip.points =
        torch::arange(2 * 8 * 3, torch::kFloat).reshape({2, 8, 3}) + static_cast<double>(index);
    if (Has("state")) clip.points += static_cast<double>(counter++);
    if (Has("double")) clip.points = clip.points.to(torch::kDouble);
    if (Has("nan")) clip.points[0][0][0] = NAN;
    if (!Has("tag")) clip.part_labels = torch::zeros({2, 8}, torch::kLong);
    return clip;
  }
  Viewpoint viewpoint() const override {
    return Has("viewpoint") ? Viewpoint{{0, 0, 2}, {0, 1, 0}} : Viewpoint{};
  }
  std::vector<std::string> class_names() const override { return {"a", "b"}; }
  std::vector<std::string> part_names() const override { return {"body"}; }

 private:
  std::vector<ClipInfo> clips_;
};

class TestTeacher final : public Teacher {
 public:
  TestTeacher(const Options&, const PluginContext&) {}
  TeacherTraits traits() const override {
    TeacherTraits traits;
    traits.dim = 3;
    traits.patch = 8;
    traits.tubelet = Has("tubelet") ? 2 : 1;
    return traits;
  }
  torch::Tensor Encode(const torch::Tensor& frames) override {
    const torch::Tensor pooled =
        torch::avg_pool2d(frames.flatten(0, 1), 8).unflatten(0, {frames.size(0), frames.size(1)});
    torch::Tensor tokens = pooled.permute({0, 1, 3, 4, 2}).contiguous();
    if (Has("batch")) tokens = tokens - tokens.mean();
    if (Has("constant")) tokens.zero_();
    if (Has("random")) tokens = tokens + 0.01 * torch::rand({});
    if (Has("layout")) tokens = pooled;
    return tokens;
  }
};

class TestStudent final : public Student {
 public:
  TestStudent(const Options& options, const PluginContext&) : options_(options) {
    if (Has("own seed")) torch::manual_seed(1);
    linear_ = register_module("linear", torch::nn::Linear(3, options.width));
    norm_ = register_module("norm", torch::nn::BatchNorm1d(options.width));
    if (Has("dead parameter")) dead_ = register_module("dead", torch::nn::Linear(2, 2));
    hidden_ = torch::randn({options.width});
    if (!Has("unregistered")) register_parameter("hidden", hidden_);
  }
  TokenGeometry Tokenize(const torch::Tensor& points) const override {
    const std::int64_t frames = points.size(0);
    const torch::Tensor index = torch::arange(0, points.size(1), options_.stride);
    TokenGeometry g;
    g.centres = points.index_select(1, index).flatten(0, 1).contiguous();
    g.frames = torch::arange(frames).repeat_interleave(index.numel());
    g.nearest = index.repeat({frames});
    if (Has("nearest")) g.nearest = (g.nearest + 1) % points.size(1);
    if (Has("frames")) g.frames = g.frames + 1;
    if (Has("tokenizer state")) g.centres = g.centres + static_cast<double>(counter++);
    return g;
  }
  StudentOutput Forward(const StudentInput& input) override {
    return {Has("shape") ? Features(input).transpose(1, 2) : Features(input),
            input.centres,
            input.frames};
  }
  torch::Tensor Embed(const StudentInput& input) override {
    tokens_ = input.centres.size(1) * input.centres.size(0);
    return Features(input) + (Has("halves") ? 1.0 : 0.0);
  }
  torch::Tensor Encode(const torch::Tensor& tokens,
                       const torch::Tensor& /*centres*/,
                       const torch::Tensor& /*frames*/) override {
    const double factor = Has("remembers") ? static_cast<double>(tokens_) / 60.0 : 1.0;
    return Has("all tokens only") ? tokens.view({3, 20, -1}) : tokens * factor;
  }
  std::int64_t dim() const override { return options_.width; }

 private:
  torch::Tensor Features(const StudentInput& input) {
    const torch::Tensor hidden = Has("lost gradient") ? hidden_.detach() + 0 * hidden_ : hidden_;
    torch::Tensor x = linear_->forward(input.centres) * (1 + hidden);
    x = norm_->forward(x.transpose(1, 2).contiguous()).transpose(1, 2);
    if (Has("batch")) x = x + x.mean();
    return x;
  }

  Options options_;
  std::int64_t tokens_ = 0;
  torch::nn::Linear linear_{nullptr}, dead_{nullptr};
  torch::nn::BatchNorm1d norm_{nullptr};
  torch::Tensor hidden_;
};

class TestObjective final : public Objective {
 public:
  TestObjective(const Options&, const PluginContext&) {}
  void Build(const ObjectiveShape& shape, Student&) override {
    head_ = register_module("head", torch::nn::Linear(shape.student_dim, shape.target_dim));
    if (Has("dead parameter")) register_parameter("dead", torch::zeros({3}));
  }
  ObjectiveOutput Step(Student& student, const TrainBatch& batch, const StepContext&) override {
    torch::Tensor features = student.Forward(batch.input).features;
    if (Has("detached")) features = features.detach();
    const torch::Tensor out = head_->forward(features);
    const torch::Tensor visible = batch.token_visible.to(torch::kFloat);
    torch::Tensor sum = ((out - batch.token_targets).square().mean(-1) * visible).sum();
    ObjectiveOutput result;
    result.loss = Has("division") ? sum / visible.sum() : sum / visible.sum().clamp_min(1);
    if (Has("state")) result.loss = result.loss + static_cast<double>(counter++);
    if (Has("vector")) result.loss = result.loss.reshape({1});
    return result;
  }

 private:
  torch::nn::Linear head_{nullptr};
};

template <class Role, class Impl>
Report CheckWith(const std::string& role,
                 const std::string& name,
                 std::vector<std::string> provides,
                 std::vector<std::string> needs) {
  fault = name;
  counter = 0;
  const auto table = Describe();
  base::PluginDescription plugin;
  plugin.role = role;
  plugin.provides = std::move(provides);
  plugin.requires_tags = std::move(needs);
  PluginRecord record{role, "test", "1.0.0", &table.schema(), nullptr};
  record.create = [](const OptionValues& options, const PluginContext& context) -> void* {
    return static_cast<Role*>(new Impl(Describe().Read(options), context));
  };
  Settings settings;
  settings.frames = 2;
  settings.points = 80;
  return Check(plugin, record, settings);
}

std::vector<std::string> Failed(const Report& report) {
  std::vector<std::string> names;
  for (const Finding& f : report.findings) {
    if (f.result == Finding::Result::kFailed) names.push_back(f.check);
  }
  return names;
}

Report CheckedDataset(const std::string& name) {
  return CheckWith<Dataset, TestDataset>("dataset", name, {"part-labels"}, {});
}
Report CheckedTeacher(const std::string& name) {
  return CheckWith<Teacher, TestTeacher>("teacher", name, {"frame-tokens"}, {});
}
Report CheckedStudent(const std::string& name) {
  return CheckWith<Student, TestStudent>("student", name, {"tokens", "maskable"}, {});
}
Report CheckedObjective(const std::string& name) {
  return CheckWith<Objective, TestObjective>("objective", name, {}, {"token-targets"});
}

TEST(DatasetSuite, FindsEachFault) {
  EXPECT_THAT(Failed(CheckedDataset("")), IsEmpty());
  const std::string index = "the index is sound: ids, labels, both splits";
  EXPECT_THAT(Failed(CheckedDataset("same id")), Contains(index));
  EXPECT_THAT(Failed(CheckedDataset("label")), ElementsAre(index));
  EXPECT_THAT(Failed(CheckedDataset("one split")), ElementsAre(index));
  EXPECT_THAT(Failed(CheckedDataset("index order")), Contains("two creations give one index"));
  const std::string clips = "clips have the right shapes, types and tags";
  EXPECT_THAT(Failed(CheckedDataset("double")), ElementsAre(clips));
  EXPECT_THAT(Failed(CheckedDataset("nan")), ElementsAre(clips));
  EXPECT_THAT(Failed(CheckedDataset("tag")), ElementsAre(clips));
  EXPECT_THAT(Failed(CheckedDataset("state")),
              Contains("a clip does not depend on what was read before"));
  EXPECT_THAT(Failed(CheckedDataset("viewpoint")), ElementsAre("the viewpoint is sound"));
}

TEST(TeacherSuite, FindsEachFault) {
  EXPECT_THAT(Failed(CheckedTeacher("")), IsEmpty());
  EXPECT_THAT(Failed(CheckedTeacher("tubelet")),
              ElementsAre("it can be created and its traits are sound"));
  EXPECT_THAT(Failed(CheckedTeacher("layout")), Contains("tokens have the right shape and type"));
  EXPECT_THAT(Failed(CheckedTeacher("random")), Contains("two calls give the same bytes"));
  EXPECT_THAT(Failed(CheckedTeacher("constant")), Contains("other frames give other tokens"));
  EXPECT_THAT(Failed(CheckedTeacher("batch")),
              ElementsAre("a clip's tokens do not depend on the batch"));
}

TEST(StudentSuite, FindsEachFault) {
  EXPECT_THAT(Failed(CheckedStudent("")), IsEmpty());
  const std::string tokens = "the tokens have the right shapes and types";
  EXPECT_THAT(Failed(CheckedStudent("nearest")), ElementsAre(tokens));
  EXPECT_THAT(Failed(CheckedStudent("frames")), Contains(tokens));
  EXPECT_THAT(Failed(CheckedStudent("tokenizer state")),
              Contains("the tokens do not depend on the run seed"));
  EXPECT_THAT(Failed(CheckedStudent("unmarked option")),
              ElementsAre("options that change the tokens are marked"));
  EXPECT_THAT(Failed(CheckedStudent("own seed")), ElementsAre("the seed decides the weights"));
  EXPECT_THAT(Failed(CheckedStudent("dead parameter")),
              ElementsAre("a gradient reaches every parameter"));
  EXPECT_THAT(Failed(CheckedStudent("lost gradient")),
              ElementsAre("a gradient reaches every parameter"));
  EXPECT_THAT(Failed(CheckedStudent("shape")), Contains("features have the right shape and type"));
  EXPECT_THAT(Failed(CheckedStudent("batch")),
              ElementsAre("in eval mode a clip's features do not depend on the batch"));
  EXPECT_THAT(Failed(CheckedStudent("unregistered")),
              ElementsAre("saved and loaded, it gives the same bytes"));
}

TEST(StudentSuite, FindsFaultsOfTheHalves) {
  EXPECT_THAT(Failed(CheckedStudent("halves")), ElementsAre("Embed and Encode make Forward"));
  const std::string some = "Encode takes some of the tokens";
  EXPECT_THAT(Failed(CheckedStudent("remembers")), ElementsAre(some));
  EXPECT_THAT(Failed(CheckedStudent("all tokens only")), ElementsAre(some));
}

TEST(StudentSuite, CountsParameters) {
  EXPECT_THAT(CheckedStudent("").figures,
              ElementsAre("the given options: 112 parameters"));  // 3·16 + 4·16
}

TEST(ObjectiveSuite, FindsEachFault) {
  EXPECT_THAT(Failed(CheckedObjective("")), IsEmpty());
  EXPECT_THAT(Failed(CheckedObjective("vector")),
              Contains("a step gives a finite scalar loss with gradient"));
  EXPECT_THAT(Failed(CheckedObjective("state")), Contains("one seed gives one loss"));
  const std::string gradient = "a gradient reaches every parameter of head and student";
  EXPECT_THAT(Failed(CheckedObjective("dead parameter")), ElementsAre(gradient));
  EXPECT_THAT(Failed(CheckedObjective("detached")), ElementsAre(gradient));
  EXPECT_THAT(Failed(CheckedObjective("division")),
              ElementsAre("a batch without a visible point does no harm"));
}

TEST(Suites, RequiredOptionsThatAreMissingAreSaid) {
  struct Rooted {
    std::string root;
  };
  OptionTable<Rooted> table;
  table.Add("root", &Rooted::root, "Folder.").Location().Required();
  PluginRecord record{"dataset", "rooted", "1.0.0", &table.schema(), nullptr};
  record.create = [](const OptionValues& options, const PluginContext&) -> void* {
    FailInput("unknown option " + options.begin()->first);
  };
  const Report report = Check({}, record, {});
  EXPECT_TRUE(report.passed());
  EXPECT_EQ(report.findings.back().text, "needs the options root (--set NAME=VALUE)");
  EXPECT_THAT(
      report.Render(),
      ::testing::HasSubstr("dataset rooted 1.0.0: 3 checks: 2 passed, 0 failed, 1 skipped"));
}

}  // namespace
}  // namespace cross4d::conformance
