// SPDX-License-Identifier: Apache-2.0
// Forward pass of p4transformer against the published composition (a convolution per frame and
// slot, einsum attention) in eager LibTorch operations, in one program: same weights, same cached
// indices, eval mode, no gradients. Rounds alternate, so that a busy machine slows both.
//   bench_p4transformer [PRESET [BATCH [FRAMES [POINTS [ROUNDS [THREADS [ours|eager]]]]]]]
// With the last argument only that one runs: the peak of the process is then its own.
#include <cross4d/sdk/error.h>

#include <ATen/Parallel.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "plugins/students/p4transformer/clip.h"
#include "plugins/students/p4transformer/p4transformer.h"
#include "plugins/students/p4transformer/tokenizer.h"
#include "tests/plugins/students/p4transformer_reference.h"

namespace {

using cross4d::StudentInput;
using torch::Tensor;
namespace p4 = cross4d::p4transformer;

double Milliseconds(const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

StudentInput MakeBatch(const p4::P4Transformer& student,
                       std::int64_t batch,
                       std::int64_t t,
                       std::int64_t n) {
  StudentInput input;
  input.points = torch::randn({batch, t, n, 3});
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

long PeakMegabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

int Run(const std::vector<std::string>& args) {
  const auto number = [&args](std::size_t i, std::int64_t otherwise) {
    return args.size() > i ? std::stoll(args[i]) : otherwise;
  };
  const std::string preset = args.size() > 1 ? args[1] : "msr";
  const std::int64_t batch = number(2, 1), t = number(3, 24), n = number(4, 2048);
  const std::int64_t rounds = number(5, 5);
  at::set_num_threads(static_cast<int>(number(6, 1)));
  const std::string only = args.size() > 7 ? args[7] : "";
  torch::manual_seed(0);
  const p4::Options options = p4::DescribeOptions().Read({{"preset", preset}});
  p4::P4Transformer student(options, {});
  student.eval();
  const torch::NoGradGuard no_grad;
  const StudentInput input = MakeBatch(student, batch, t, n);
  // The eager form gets its indices ready for gather, outside of the measured time.
  const Tensor points = p4::PrepareClips(input.points, options.normalize);
  const Tensor anchors = input.extra.at("anchors").to(at::kLong);
  const Tensor neighbours = input.extra.at("neighbours").to(at::kLong);
  const p4::reference::Weights weights = p4::reference::WeightsOf(student);
  const long before = PeakMegabytes();
  Tensor ours, eager;
  const auto run_ours = [&] { ours = student.Forward(input).features; };
  const auto run_eager = [&] {
    eager = p4::reference::Forward(
        points, anchors, neighbours, weights, {options.depth, options.heads});
  };
  double best_ours = 1e30, best_eager = 1e30;
  for (std::int64_t i = 0; i <= rounds; ++i) {  // the first round warms up
    const double a = only == "eager" ? 0 : Milliseconds(run_ours);
    const double b = only == "ours" ? 0 : Milliseconds(run_eager);
    if (i == 0) continue;
    best_ours = std::min(best_ours, a);
    best_eager = std::min(best_eager, b);
  }
  std::printf("%s, batch %ld, %ld x %ld, %d threads: ",
              preset.c_str(),
              static_cast<long>(batch),
              static_cast<long>(t),
              static_cast<long>(n),
              at::get_num_threads());
  if (only.empty()) {
    const double difference =
        (ours - eager).abs().max().item<double>() / eager.abs().max().item<double>();
    std::printf("ours %.1f ms, eager %.1f ms: %.2f x faster; outputs differ by %.1e\n",
                best_ours,
                best_eager,
                best_eager / best_ours,
                difference);
  } else {
    std::printf("%s %.1f ms, peak %ld MB above the %ld MB of weights, clips and libraries\n",
                only.c_str(),
                only == "ours" ? best_ours : best_eager,
                PeakMegabytes() - before,
                before);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run({argv, argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_p4transformer: %s\n", e.what());
    return 2;
  }
}
