// SPDX-License-Identifier: Apache-2.0
// One training step of point4d with the dense objective's head and loss (forward, backward, AdamW):
// fused against the plain composition of eager LibTorch operations. Same weights, same cached
// farthest points and neighbours, scaled_dot_product_attention in both, one program; rounds
// alternate, so that a busy machine slows both.
//   bench_point4d PRESET BATCH FRAMES POINTS [ROUNDS [THREADS [fused|plain]]]
// With the last argument only that one runs: the peak of the process is then its own.
#include <cross4d/sdk/error.h>

#include <ATen/Parallel.h>
#include <sys/resource.h>
#include <torch/optim/adamw.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plugins/students/point4d/point4d.h"

namespace {

using cross4d::StudentInput;
using cross4d::point4d::DescribeOptions;
using cross4d::point4d::GroupedChoices;
using cross4d::point4d::Point4d;
using cross4d::point4d::SetAbstractionImpl;
using torch::Tensor;

constexpr std::int64_t kTargetDim = 384;
constexpr std::int64_t kComparedClips = 2;

double Milliseconds(const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

StudentInput MakeBatch(const Point4d& student, std::int64_t batch, std::int64_t t, std::int64_t n) {
  torch::manual_seed(1);
  StudentInput input;
  input.points = torch::randn({batch, t, n, 3});
  input.points /= input.points.norm(2, 3, true) * 2;
  std::vector<Tensor> centres, frames;
  std::map<std::string, std::vector<Tensor>> extra;
  for (std::int64_t b = 0; b < batch; ++b) {
    const auto tokens = student.Tokenize(input.points[b]);
    centres.push_back(tokens.centres);
    frames.push_back(tokens.frames);
    for (const auto& [name, tensor] : tokens.extra) extra[name].push_back(tensor);
  }
  input.centres = at::stack(centres);
  input.frames = at::stack(frames);
  for (const auto& [name, list] : extra) input.extra[name] = at::stack(list);
  return input;
}

/// A student in training with its head and optimiser.
class Training {
 public:
  Training(const std::string& preset, bool fused)
      : student_(DescribeOptions().Read({{"preset", preset}, {"fused", fused}}), {}),
        head_(student_.dim(), kTargetDim) {
    std::vector<Tensor> parameters = student_.parameters();
    for (const Tensor& p : head_->parameters()) parameters.push_back(p);
    optimiser_ = std::make_unique<torch::optim::AdamW>(parameters);
  }

  Point4d& student() { return student_; }
  void To(at::ScalarType type) {
    student_.to(type);
    head_->to(type);
  }

  /// Returns the token features; gradients are those of this step.
  Tensor ForwardBackward(const StudentInput& input, const Tensor& targets) {
    optimiser_->zero_grad();
    const Tensor features = student_.Forward(input).features;
    at::cosine_similarity(head_(features), targets, 2).mean().neg().backward();
    return features;
  }
  void Step(const StudentInput& input, const Tensor& targets) {
    ForwardBackward(input, targets);
    optimiser_->step();
  }

 private:
  Point4d student_;
  torch::nn::Linear head_;
  std::unique_ptr<torch::optim::AdamW> optimiser_;
};

double Difference(const Tensor& a, const Tensor& b) {
  return (a - b).norm().item<double>() / std::max(1e-12, b.norm().item<double>());
}

/// What one step leaves behind, in float64.
struct Trace {
  Tensor features;
  std::vector<std::shared_ptr<GroupedChoices>> choices;  // of both set abstractions
  std::map<std::string, Tensor> gradients, statistics;
};

/// Of the first clips of the batch, so that the float64 form fits in memory. With `follow` the
/// choices are its own, not those of this form.
Trace TraceStep(const std::string& preset,
                bool fused,
                at::ScalarType type,
                const StudentInput& all,
                const Trace* follow = nullptr) {
  const auto some = [](const Tensor& t) {
    return t.narrow(0, 0, std::min(kComparedClips, t.size(0)));
  };
  StudentInput input{some(all.points).to(type), some(all.centres), some(all.frames), {}};
  for (const auto& [name, tensor] : all.extra) input.extra[name] = some(tensor);
  torch::manual_seed(0);
  Training training(preset, fused);
  training.To(type);
  Trace trace;
  for (const char* name : {"sa1", "sa2"}) {
    const auto module = training.student().named_children()[name];
    auto& choices = std::dynamic_pointer_cast<SetAbstractionImpl>(module)->choices;
    choices = follow != nullptr ? follow->choices[trace.choices.size()]
                                : std::make_shared<GroupedChoices>();
    trace.choices.push_back(choices);
  }
  torch::manual_seed(2);
  const Tensor targets =
      torch::randn({input.points.size(0), input.centres.size(1), kTargetDim}).to(type);
  trace.features = training.ForwardBackward(input, targets).detach().to(at::kDouble);
  for (const auto& item : training.student().named_parameters())
    trace.gradients[item.key()] = item.value().grad().to(at::kDouble);
  for (const auto& item : training.student().named_buffers())
    trace.statistics[item.key()] = item.value().to(at::kDouble);
  return trace;
}

/// Relative differences, ascending, each with its name.
std::vector<std::pair<double, std::string>> Differences(const std::map<std::string, Tensor>& got,
                                                        const std::map<std::string, Tensor>& want) {
  std::vector<std::pair<double, std::string>> all;
  for (const auto& [name, tensor] : want) {
    // A bias in front of BatchNorm has no effect; its gradient is rounding noise.
    const bool cancels = name.find("linear") != std::string::npos && name.ends_with("bias");
    if (!cancels) all.emplace_back(Difference(got.at(name), tensor), name);
  }
  std::sort(all.begin(), all.end());
  return all;
}

void PrintDifferences(const char* what, const Trace& got, const Trace& exact) {
  const auto gradients = Differences(got.gradients, exact.gradients);
  std::printf("  %s: features %.1e, gradients %.1e (median) to %.1e (%s), statistics <= %.1e\n",
              what,
              Difference(got.features, exact.features),
              gradients[gradients.size() / 2].first,
              gradients.back().first,
              gradients.back().second.c_str(),
              Differences(got.statistics, exact.statistics).back().first);
}

/// How many choices differ: of the ReLUs, and of the maxima that are above 0 in either.
void PrintChoices(const Trace& got, const Trace& exact) {
  std::int64_t relu = 0, relus = 0, maximum = 0, maxima = 0;
  for (std::size_t i = 0; i < exact.choices.size(); ++i) {
    const GroupedChoices &a = *got.choices[i], &b = *exact.choices[i];
    for (std::size_t l = 0; l < b.passed.size(); ++l) {
      relu += (a.passed[l] != b.passed[l]).sum().item<std::int64_t>();
      relus += b.passed[l].numel();
    }
    const Tensor other = (a.row != b.row).logical_or_(a.active != b.active);
    maximum += other.logical_and_(a.active.logical_or(b.active)).sum().item<std::int64_t>();
    maxima += b.row.numel();
  }
  std::printf("  decided otherwise: %ld of %ld ReLUs, %ld of %ld maxima\n",
              static_cast<long>(relu),
              static_cast<long>(relus),
              static_cast<long>(maximum),
              static_cast<long>(maxima));
}

/// Relative differences (in norm) of the first step from the plain form in float64: features,
/// gradients, BatchNorm statistics. Between two float32 forms one cannot tell whose rounding it
/// is: plain BatchNorm sums up a million rows in float32. A gradient jumps where rounding decides a
/// maximum or a ReLU; like is compared with like where the float64 form takes the same choices.
void Compare(const std::string& preset, const StudentInput& input) {
  const Trace exact = TraceStep(preset, false, at::kDouble, input);
  for (const bool fused : {true, false}) {
    const Trace trace = TraceStep(preset, fused, at::kFloat, input);
    const Trace alike = TraceStep(preset, false, at::kDouble, input, &trace);
    std::printf("%s against float64, 2 clips\n", fused ? "fused" : "plain");
    PrintDifferences("each with its own choices", trace, exact);
    PrintChoices(trace, exact);
    PrintDifferences("float64 with the same choices", trace, alike);
  }
}

long PeakMegabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

int Run(const std::vector<std::string>& args) {
  const std::int64_t batch = std::stoll(args[2]), t = std::stoll(args[3]), n = std::stoll(args[4]);
  const int rounds = args.size() > 5 ? std::stoi(args[5]) : 3;
  at::set_num_threads(args.size() > 6 ? std::stoi(args[6]) : 1);
  const std::string only = args.size() > 7 ? args[7] : "";
  std::unique_ptr<Training> training[2];
  for (const bool fused : {false, true}) {
    if (only == (fused ? "plain" : "fused")) continue;
    torch::manual_seed(0);
    training[fused] = std::make_unique<Training>(args[1], fused);
  }
  Point4d& any = (training[1] ? training[1] : training[0])->student();
  const StudentInput input = MakeBatch(any, batch, t, n);
  const Tensor targets = torch::randn({batch, input.centres.size(1), kTargetDim});
  const long before = PeakMegabytes();
  if (only.empty()) Compare(args[1], input);
  double best[2] = {1e30, 1e30};
  for (int i = 0; i < rounds + (only.empty() ? 0 : 1); ++i) {
    for (const bool fused : {false, true}) {
      if (!training[fused]) continue;
      const double ms = Milliseconds([&] { training[fused]->Step(input, targets); });
      best[fused] = std::min(best[fused], ms);
    }
  }
  std::printf("%s, batch %ld, %ld x %ld, %d threads: ",
              args[1].c_str(),
              static_cast<long>(batch),
              static_cast<long>(t),
              static_cast<long>(n),
              at::get_num_threads());
  if (only.empty()) {
    double tokenize = 1e30;
    for (int i = 0; i < rounds; ++i)
      tokenize = std::min(tokenize, Milliseconds([&] { any.Tokenize(input.points[0]); }));
    std::printf(
        "a step fused %.0f ms, plain %.0f ms: %.2f x faster; without cached indices %.0f ms more\n",
        best[1],
        best[0],
        best[0] / best[1],
        tokenize * static_cast<double>(batch));
  } else {
    std::printf("%s %.0f ms, peak %ld MB above the %ld MB of weights, clips and libraries\n",
                only.c_str(),
                best[only == "fused"],
                PeakMegabytes() - before,
                before);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 5) {
      cross4d::FailInput(
          "usage: bench_point4d PRESET BATCH FRAMES POINTS [ROUNDS [THREADS [fused|plain]]]");
    }
    return Run({argv, argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_point4d: %s\n", e.what());
    return 2;
  }
}
