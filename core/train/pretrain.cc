// SPDX-License-Identifier: Apache-2.0
#include "core/train/pretrain.h"

#include "core/base/seed.h"
#include "core/data/in_context.h"
#include "core/data/prefetch.h"
#include "core/train/checkpoint.h"
#include "core/train/flat_parameters.h"
#include "core/train/losses.h"
#include "core/train/schedule.h"

#include <cross4d/sdk/error.h>

#include <ATen/CPUGeneratorImpl.h>

#include <chrono>
#include <cmath>
#include <span>
#include <string>

namespace cross4d::train {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int64_t kCalibrationBatch = 8;

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

class Trainer {
 public:
  Trainer(const PretrainJob& job, protocol::Reporter& reporter)
      : job_(job),
        reporter_(reporter),
        rows_(data::SubsetRows(job.tokens.table(), job.options.subset)),
        parameters_({&job.student, &job.objective}),
        generator_(at::detail::createCPUGenerator()) {
    if (rows_.empty()) FailInput("there are no training clips; look at pretrain.subset");
    const auto clips = static_cast<std::int64_t>(rows_.size());
    steps_per_epoch_ = (clips + job.options.batch - 1) / job.options.batch;
    total_ = steps_per_epoch_ * job.options.epochs;
  }

  void Run() {
    Resume();
    start_ = saved_ = Clock::now();
    const std::int64_t first = progress_.step;
    data::Prefetch<TrainBatch> batches(
        first, total_, [this](std::int64_t step) { return MakeBatch(step); });
    while (progress_.step < total_) {
      if (reporter_.StopRequested()) Stop();
      OneStep(batches.Next());
      ++progress_.step;
      Show(first);
      if (progress_.step % steps_per_epoch_ == 0) FinishEpoch();
      if (progress_.step < total_ && Seconds(saved_) >= job_.checkpoint_every_s) Save();
    }
    Finish();
  }

 private:
  void Resume() {
    const bool found =
        LoadCheckpoint(job_.checkpoint, job_.student, job_.objective, parameters_, &progress_);
    if (!found) return;
    checkpoint_step_ = progress_.step;
    spent_ = progress_.seconds;
    reporter_.Log("continues at step " + std::to_string(progress_.step) + " of " +
                  std::to_string(total_));
    for (const CurvePoint& p : progress_.curve) reporter_.Metric(p.name, p.epoch, p.value);
  }

  void Save() {
    progress_.seconds = spent_ + Seconds(start_);
    SaveCheckpoint(job_.checkpoint, job_.student, job_.objective, parameters_, progress_);
    checkpoint_step_ = progress_.step;
    saved_ = Clock::now();
  }

  [[noreturn]] void Stop() {
    Save();
    throw Error(ErrorCode::kCancelled,
                "stopped on request after step " + std::to_string(progress_.step) + " of " +
                    std::to_string(total_) + "; a checkpoint was kept");
  }

  // On the thread of the prefetch: nothing random, and no member that the loop changes.
  TrainBatch MakeBatch(std::int64_t step) {
    const std::int64_t epoch = step / steps_per_epoch_;
    if (epoch != order_epoch_) {
      order_ = data::EpochOrder(rows_, job_.seed, epoch);
      order_epoch_ = epoch;
    }
    const auto begin = static_cast<std::size_t>(step % steps_per_epoch_ * job_.options.batch);
    const std::size_t size =
        std::min(static_cast<std::size_t>(job_.options.batch), order_.size() - begin);
    const std::span<const std::int64_t> rows(order_.data() + begin, size);
    TrainBatch batch;
    batch.input = job_.tokens.Batch(rows);
    if (job_.token_targets) job_.targets->AddTokenTargets(rows, &batch);
    if (job_.clip_targets) job_.targets->AddClipTargets(rows, &batch);
    if (job_.frame_targets) job_.targets->AddFrameTargets(rows, &batch);
    return batch;
  }

  void OneStep(const TrainBatch& batch) {
    const auto index = static_cast<std::uint64_t>(progress_.step);
    // Dropout and the like draw from torch's own generator: give each step its own stream.
    torch_generator_.set_current_seed(base::DeriveSeed(job_.seed, "step", index));
    generator_.set_current_seed(base::DeriveSeed(job_.seed, "objective", index));
    const StepContext context{progress_.step, total_, generator_};
    const ObjectiveOutput out = data::InContext(
        "objective", [&] { return job_.objective.Step(job_.student, batch, context); });
    last_loss_ = Backward(out);
    Update();
    job_.objective.AfterStep(job_.student, context);
    progress_.loss_sum += last_loss_;
    for (const auto& [name, value] : out.monitors) progress_.monitor_sums[name] += value;
    if ((progress_.step + 1) % steps_per_epoch_ == 0 && out.predictions.defined()) {
      spread_ = MeasureSpread(out.predictions.detach());
      has_spread_ = true;
    }
  }

  // The value of the total loss; gradients are in the flat buffer.
  double Backward(const ObjectiveOutput& out) {
    torch::Tensor loss = out.loss;
    double hinge_value = 0;
    if (job_.options.variance_weight > 0 && out.predictions.defined()) {
      const torch::Tensor hinge = VarianceHinge(out.predictions);
      hinge_value = hinge.item<double>();
      loss = loss + job_.options.variance_weight * hinge;
    }
    if (const double value = out.loss.item<double>(); !std::isfinite(value)) {
      NotFinite(value, LossTerm(out));
    }
    CheckFinite(hinge_value, "the variance term");
    parameters_.ZeroGradients();
    loss.backward();
    return loss.item<double>();
  }

  void Update() {
    const double norm = parameters_.GradientNorm();
    CheckFinite(norm, "the gradient's norm");
    const double limit = job_.options.clip_norm;
    const double scale = limit > 0 && norm > limit ? limit / norm : 1;
    lr_ = LearningRate(progress_.step, total_, job_.options);
    parameters_.Step(job_.options, lr_, scale, progress_.step + 1);
  }

  // With those of its recorded parts that are to blame.
  static std::string LossTerm(const ObjectiveOutput& out) {
    std::string parts;
    for (const auto& [name, value] : out.monitors) {
      if (!std::isfinite(value)) parts += (parts.empty() ? " (" : ", ") + name;
    }
    return "the objective's loss" + (parts.empty() ? "" : parts + ")");
  }

  void CheckFinite(double value, const char* term) const {
    if (!std::isfinite(value)) NotFinite(value, term);
  }

  [[noreturn]] void NotFinite(double value, const std::string& term) const {
    const std::string checkpoint = checkpoint_step_ < 0 ? "no checkpoint was written yet"
                                                        : "last good checkpoint: step " +
                                                              std::to_string(checkpoint_step_) +
                                                              ", in " + job_.checkpoint.string();
    FailInput(term + " is " + (std::isnan(value) ? "NaN" : "infinite") + " at step " +
              std::to_string(progress_.step) + " of " + std::to_string(total_) + " (epoch " +
              std::to_string(progress_.step / steps_per_epoch_ + 1) + "); " + checkpoint +
              "; a lower pretrain.lr or clip_norm usually helps");
  }

  void Show(std::int64_t first) {
    protocol::Progress p;
    p.phase = "train";
    p.done = progress_.step;
    p.total = total_;
    p.epoch = (progress_.step - 1) / steps_per_epoch_ + 1;
    p.epochs = job_.options.epochs;
    p.loss = last_loss_;
    const double share = static_cast<double>(rows_.size()) / static_cast<double>(steps_per_epoch_);
    p.rate = static_cast<double>(progress_.step - first) * share / std::max(Seconds(start_), 1e-9);
    reporter_.Report(p);
  }

  void Record(const std::string& name, double value) {
    const std::int64_t epoch = progress_.step / steps_per_epoch_;
    progress_.curve.push_back({name, epoch, value});
    reporter_.Metric(name, epoch, value);
    if (progress_.step == total_) reporter_.Metric(name, -1, value);
  }

  void FinishEpoch() {
    const auto steps = static_cast<double>(steps_per_epoch_);
    Record("loss", progress_.loss_sum / steps);
    Record("lr", lr_);
    for (const auto& [name, sum] : progress_.monitor_sums) Record(name, sum / steps);
    if (has_spread_) {
      Record("feature_std", spread_.feature_std);
      Record("effective_rank", spread_.effective_rank);
    }
    progress_.loss_sum = 0;
    progress_.monitor_sums.clear();
  }

  void Finish() {
    const std::int64_t params = CountParameters(job_.student);
    reporter_.Metric("params", -1, static_cast<double>(params));
    reporter_.Metric("head_params", -1, static_cast<double>(CountParameters(job_.objective)));
    reporter_.Metric("seconds", -1, spent_ + Seconds(start_));
  }

  const PretrainJob& job_;
  protocol::Reporter& reporter_;
  std::vector<std::int64_t> rows_;
  std::vector<std::int64_t> order_;  // of order_epoch_; MakeBatch's own
  std::int64_t order_epoch_ = -1;
  FlatParameters parameters_;
  torch::Generator generator_;
  torch::Generator torch_generator_ = at::detail::getDefaultCPUGenerator();
  std::int64_t steps_per_epoch_ = 0, total_ = 0, checkpoint_step_ = -1;
  TrainProgress progress_;
  double last_loss_ = 0, lr_ = 0, spent_ = 0;
  Spread spread_;
  bool has_spread_ = false;
  Clock::time_point start_ = Clock::now(), saved_ = start_;
};

}  // namespace

void Pretrain(const PretrainJob& job, protocol::Reporter& reporter) {
  job.student.train();
  job.objective.train();
  Trainer(job, reporter).Run();
  job.student.eval();
}

void Calibrate(Student& student,
               const data::TokenSource& tokens,
               std::int64_t clips,
               std::uint64_t seed,
               protocol::Reporter& reporter) {
  const torch::NoGradGuard no_grad;
  student.train();
  const auto rows = data::EpochOrder(tokens.table().Rows(true), seed, 0);
  const auto all = static_cast<std::int64_t>(rows.size());
  for (std::int64_t begin = 0; begin < clips && all > 0; begin += kCalibrationBatch) {
    protocol::ThrowIfStopped(reporter);
    std::vector<std::int64_t> batch;
    for (std::int64_t i = begin; i < std::min(begin + kCalibrationBatch, clips); ++i) {
      batch.push_back(rows[static_cast<std::size_t>(i % all)]);
    }
    student.Forward(tokens.Batch(batch));
    reporter.Report({.phase = "calibrate", .done = begin, .total = clips});
  }
  student.eval();
}

std::int64_t CountParameters(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const torch::Tensor& p : module.parameters()) {
    if (p.requires_grad()) count += p.numel();
  }
  return count;
}

}  // namespace cross4d::train
