// SPDX-License-Identifier: Apache-2.0
// A tiny data set, teacher, student and objective whose results can be followed by hand.
#pragma once

#include "core/protocol/reporter.h"

#include <cross4d/sdk/dataset.h>
#include <cross4d/sdk/error.h>
#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/student.h>
#include <cross4d/sdk/teacher.h>

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace cross4d::toy {

/// `clips` clips of two classes, every third one in the test split. T = 4, N = 6, integer
/// coordinates.
class ToyDataset : public Dataset {
 public:
  explicit ToyDataset(int clips = 9) {
    for (int i = 0; i < clips; ++i) {
      clips_.push_back({"c" + std::to_string(i),
                        "v" + std::to_string(i),
                        i % 2,
                        i,
                        i % 3 == 2 ? Split::kTest : Split::kTrain});
    }
  }
  const std::vector<ClipInfo>& clips() const override { return clips_; }
  Clip Load(std::int64_t index) const override {
    if (index == bad_clip) FailInput("the file is cut");
    if (index == broken_clip) throw Error(ErrorCode::kPlugin, "a bug");
    torch::Tensor points = torch::empty({4, 6, 3});
    auto p = points.accessor<float, 3>();
    for (int t = 0; t < 4; ++t) {
      for (int n = 0; n < 6; ++n) {
        p[t][n][0] = static_cast<float>((n * 5 + index) % 7 - 3);
        p[t][n][1] = static_cast<float>((n * 3 + t) % 5 - 2);
        p[t][n][2] = static_cast<float>((n + t * (index % 2 == 0 ? 1 : 2)) % 4);
      }
    }
    ++loads;
    return {points, {}, {}};
  }
  Viewpoint viewpoint() const override { return {}; }
  std::vector<std::string> class_names() const override { return {"slow", "fast"}; }
  bool skip_unreadable() const override { return skip; }
  std::vector<FileProblem> problems() const override { return known; }

  std::int64_t bad_clip = -1, broken_clip = -1;
  bool skip = false;
  std::vector<FileProblem> known;
  mutable std::atomic<int> loads = 0;

 private:
  std::vector<ClipInfo> clips_;
};

/// Patch size 4, D = 3: (mean intensity, patch index, time index).
class ToyTeacher : public Teacher {
 public:
  TeacherTraits traits() const override {
    return {.dim = 3, .patch = 4, .tubelet = tubelet, .frames = frames};
  }
  torch::Tensor Encode(const torch::Tensor& x) override {
    const auto b = x.size(0), t = x.size(1) / tubelet, g = x.size(3) / 4;
    const torch::Tensor grey = x.select(2, 0)
                                   .reshape({b, t, tubelet, g, 4, g, 4})
                                   .mean(std::vector<std::int64_t>{2, 4, 6});
    const torch::Tensor index = torch::arange(g * g).view({1, 1, g, g}).expand({b, t, g, g});
    const torch::Tensor time = torch::arange(t).view({1, t, 1, 1}).expand({b, t, g, g});
    return torch::stack({grey, index.to(torch::kFloat32), time.to(torch::kFloat32)}, -1);
  }
  bool needs_fit() const override { return fit; }
  void Fit(const FrameSource& train) override {
    for (std::int64_t i = 0; i < train.size(); ++i) fitted += train.At(i).size(0);
  }

  std::int64_t tubelet = 1, frames = 0, fitted = 0;
  bool fit = false;
};

/// Tokens = the even points of each frame; features = two layers on the centre, with BatchNorm and
/// dropout.
class ToyStudent : public Student {
 public:
  ToyStudent() {
    first_ = register_module("first", torch::nn::Linear(3, 8));
    norm_ = register_module("norm", torch::nn::BatchNorm1d(8));
    drop_ = register_module("drop", torch::nn::Dropout(0.1));
    second_ = register_module("second", torch::nn::Linear(8, 4));
  }
  TokenGeometry Tokenize(const torch::Tensor& points) const override {
    const auto t = points.size(0), n = points.size(1);
    const torch::Tensor even = torch::arange(0, n, 2);
    TokenGeometry g;
    g.centres = points.index_select(1, even).reshape({-1, 3}).contiguous();
    g.frames = torch::arange(t).repeat_interleave(even.numel());
    g.nearest = even.repeat({t});
    g.extra["twice"] = g.nearest * 2;
    g.extra["short"] = g.nearest.to(torch::kInt16);
    return g;
  }
  StudentOutput Forward(const StudentInput& in) override {
    const auto b = in.centres.size(0), l = in.centres.size(1);
    torch::Tensor x = norm_->forward(first_->forward(in.centres.flatten(0, 1)));
    x = second_->forward(drop_->forward(torch::relu(x)));
    return {x.view({b, l, 4}), in.centres, in.frames};
  }
  std::int64_t dim() const override { return 4; }

 private:
  torch::nn::Linear first_{nullptr}, second_{nullptr};
  torch::nn::BatchNorm1d norm_{nullptr};
  torch::nn::Dropout drop_{nullptr};
};

/// Mean squared error of a linear head to the visible token targets, with noise from the generator.
class ToyObjective : public Objective {
 public:
  void Build(const ObjectiveShape& shape, Student&) override {
    head_ = register_module("head", torch::nn::Linear(shape.student_dim, shape.target_dim));
  }
  ObjectiveOutput Step(Student& student, const TrainBatch& b, const StepContext& context) override {
    ObjectiveOutput out;
    out.predictions = head_->forward(student.Forward(b.input).features).flatten(0, 1);
    const torch::Tensor noise = torch::randn(out.predictions.sizes(), context.generator) * 0.01;
    const torch::Tensor error = out.predictions - b.token_targets.flatten(0, 1) + noise;
    out.loss = (error.square().mean(1) * b.token_visible.flatten()).mean();
    if (context.step == nan_at) {
      out.loss = out.loss * std::nan("");
      out.monitors["error"] = std::nan("");
    }
    out.monitors["batch"] = static_cast<double>(b.input.points.size(0));
    ++steps;
    return out;
  }
  std::int64_t nan_at = -1, steps = 0;

 private:
  torch::nn::Linear head_{nullptr};
};

/// Keeps what a stage reports; asks for a stop after `stop_after` progress reports.
class Recorder : public protocol::Reporter {
 public:
  void Report(const protocol::Progress& p) override {
    last = p;
    ++reports;
  }
  void Metric(std::string_view name, std::int64_t step, double value) override {
    metrics[{std::string(name), step}] = value;
  }
  void Log(std::string_view text) override { log += std::string(text) + "\n"; }
  bool StopRequested() const override { return stop_after >= 0 && reports >= stop_after; }

  std::map<std::pair<std::string, std::int64_t>, double> metrics;
  std::string log;
  protocol::Progress last;
  int reports = 0, stop_after = -1;
};

/// A fresh folder below the test's temporary folder.
inline std::filesystem::path Folder(const std::string& name) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("cross4d_test_" + std::to_string(::getpid())) / name;
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

}  // namespace cross4d::toy
