// SPDX-License-Identifier: Apache-2.0
#include "core/eval/efficiency.h"

#include "core/base/file.h"
#include "core/data/in_context.h"
#include "core/data/sources.h"
#include "core/eval/flops.h"
#include "core/train/pretrain.h"

#include <ATen/Parallel.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <nlohmann/json.hpp>
#include <torch/utils.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

namespace cross4d::eval {
namespace {

/// What the CPU allocator reports in this thread.
class MemoryWatch : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void* /*block*/,
                         std::int64_t bytes,
                         std::size_t /*allocated*/,
                         std::size_t /*reserved*/,
                         c10::Device device) override {
    if (!device.is_cpu()) return;
    now_ += bytes;
    peak_ = std::max(peak_, now_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  std::int64_t peak() const { return peak_; }

 private:
  std::int64_t now_ = 0, peak_ = 0;
};

double FastestSeconds(std::int64_t rounds,
                      protocol::Reporter& reporter,
                      const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  for (std::int64_t i = 0; i < rounds; ++i) {
    protocol::ThrowIfStopped(reporter);
    const auto start = Clock::now();
    work();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = i == 0 ? seconds : std::min(best, seconds);
  }
  return best;
}

std::int64_t ParameterBytes(const Student& student) {
  std::int64_t bytes = 0;
  for (const torch::Tensor& p : student.parameters())
    bytes += static_cast<std::int64_t>(p.nbytes());
  return bytes;
}

void Step(Student& student, const StudentInput& batch) {
  student.zero_grad();
  student.Forward(batch).features.square().mean().backward();
}

StudentInput Rows(const data::TokenSource& tokens, std::int64_t count) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  const auto clips = static_cast<std::int64_t>(tokens.table().clips.size());
  for (std::int64_t i = 0; i < count; ++i) rows[static_cast<std::size_t>(i)] = i % clips;
  return tokens.Batch(rows);
}

}  // namespace

StudentCost CountCost(Student& student, const StudentInput& clip, bool maskable) {
  const torch::NoGradGuard no_grad;
  student.eval();
  StudentCost cost;
  cost.parameters = static_cast<double>(train::CountParameters(student));
  const FlopCount all = CountFlops([&] { student.Forward(clip); });
  cost.flops = all.all;
  cost.flops_without_attention = all.all - all.attention;
  if (maskable) cost.flops_embed = CountFlops([&] { student.Embed(clip); }).all;
  return cost;
}

std::int64_t PeakBytes(const std::function<void()>& work) {
  const auto watch = std::make_shared<MemoryWatch>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, watch);
  // Only this thread's allocations are reported.
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  work();
  at::set_num_threads(threads);
  return watch->peak();
}

void RunEfficiency(Student& student,
                   bool maskable,
                   const std::filesystem::path& tokens_folder,
                   const protocol::EfficiencyOptions& options,
                   const std::filesystem::path& out,
                   protocol::Reporter& reporter) {
  const data::TokenSource tokens(tokens_folder);
  nlohmann::json metrics = nlohmann::json::object();
  const auto metric = [&](const char* name, double value) {
    reporter.Metric(name, -1, value);
    metrics[name] = value;
  };
  data::InContext("student", [&] {
    reporter.Report({.phase = "count"});
    const StudentCost cost = CountCost(student, Rows(tokens, 1), maskable);
    metric("parameters", cost.parameters);
    metric("flops", cost.flops);
    metric("flops_without_attention", cost.flops_without_attention);
    if (cost.flops_embed >= 0) metric("flops_embed", cost.flops_embed);

    const StudentInput batch = Rows(tokens, options.batch);
    const auto clips = static_cast<double>(options.batch);
    reporter.Report({.phase = "forward"});
    const double forward = FastestSeconds(options.rounds, reporter, [&] {
      const torch::NoGradGuard no_grad;
      student.Forward(batch);
    });
    metric("clips_per_second_forward", clips / forward);
    reporter.Report({.phase = "forward and backward"});
    student.train();
    student.zero_grad();
    const std::int64_t peak = PeakBytes([&] { Step(student, batch); });
    metric("peak_memory", static_cast<double>(peak + ParameterBytes(student)));
    const double step = FastestSeconds(options.rounds, reporter, [&] { Step(student, batch); });
    metric("clips_per_second_step", clips / step);
    metric("threads", at::get_num_threads());
  });
  const nlohmann::json result = {{"batch", options.batch}, {"metrics", metrics}};
  base::WriteFileAtomically(out / "result.json", result.dump(1) + "\n", false);
}

}  // namespace cross4d::eval
