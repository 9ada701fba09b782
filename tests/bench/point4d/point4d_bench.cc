// SPDX-License-Identifier: Apache-2.0
// CPU time of one training step's forward and backward pass of point4d, fused against the plain
// composition of LibTorch operations, on one thread:
//   bench_point4d PRESET BATCH FRAMES POINTS [ROUNDS [fused|plain]]
#include <cross4d/sdk/error.h>

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "plugins/students/point4d/point4d.h"

namespace {

using cross4d::StudentInput;
using cross4d::point4d::DescribeOptions;
using cross4d::point4d::Options;
using cross4d::point4d::Point4d;
using torch::Tensor;

/// CPU time, so that a busy machine does not count.
double CpuMs() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

double BestMs(int rounds, const std::function<void()>& work) {
  double best = 1e30;
  for (int i = 0; i < rounds; ++i) {
    const double start = CpuMs();
    work();
    best = std::min(best, CpuMs() - start);
  }
  return best;
}

StudentInput MakeBatch(const Point4d& student, std::int64_t batch, std::int64_t t, std::int64_t n) {
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

/// What the machine gives right now, to put the milliseconds in proportion.
double GemmGflops() {
  const Tensor a = torch::randn({2048, 1024}), b = torch::randn({1024, 1024});
  return 2.0 * 2048 * 1024 * 1024 / 1e6 / BestMs(5, [&] { at::mm(a, b); });
}

int Run(const std::vector<std::string>& args) {
  const std::int64_t batch = std::stoll(args[2]), t = std::stoll(args[3]), n = std::stoll(args[4]);
  const int rounds = args.size() > 5 ? std::stoi(args[5]) : 5;
  at::set_num_threads(1);
  std::printf("matrix product: %.0f GFLOP/s of CPU time\n", GemmGflops());
  double ms[2] = {};
  const std::string only = args.size() > 6 ? args[6] : "";
  for (const bool fused : {false, true}) {
    if (only == (fused ? "plain" : "fused")) continue;
    torch::manual_seed(0);
    Options options = DescribeOptions().Read({{"preset", args[1]}, {"fused", fused}});
    Point4d student(options, {});
    std::int64_t parameters = 0;
    for (const Tensor& p : student.parameters()) parameters += p.numel();
    const StudentInput input = MakeBatch(student, batch, t, n);
    double tokenize = 0, forward = 0;
    if (fused) {
      tokenize = BestMs(rounds, [&] { student.Tokenize(input.points[0]); });
      const torch::NoGradGuard no_grad;
      student.eval();
      forward = BestMs(rounds, [&] { student.Forward(input); });
      student.train();
    }
    ms[fused] = BestMs(rounds, [&] {
      student.zero_grad();
      student.Forward(input).features.square().mean().backward();
    });
    std::printf("%s %s, batch %ld, %ld x %ld: forward + backward %.2f ms per clip",
                args[1].c_str(),
                fused ? "fused" : "plain",
                static_cast<long>(batch),
                static_cast<long>(t),
                static_cast<long>(n),
                ms[fused] / static_cast<double>(batch));
    if (fused) {
      if (only.empty()) std::printf(" (%.2f x faster)", ms[0] / ms[1]);
      std::printf(", eval forward %.2f, tokenize %.2f, parameters %ld",
                  forward / static_cast<double>(batch),
                  tokenize,
                  static_cast<long>(parameters));
    }
    std::printf("\n");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 5)
      cross4d::FailInput("usage: bench_point4d PRESET BATCH FRAMES POINTS [ROUNDS [fused|plain]]");
    return Run({argv, argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_point4d: %s\n", e.what());
    return 2;
  }
}
