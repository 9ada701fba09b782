// SPDX-License-Identifier: Apache-2.0
#include "shape_hog.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>
#include <cross4d/sdk/random.h>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/StringUtil.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base_features.h"

namespace cross4d::shape_hog {
namespace {

constexpr std::int64_t kUnits = 192, kMotionUnits = 384;
constexpr double kWeightGain = 1.5, kBiasSpread = 0.5;
// Of so many training cells the statistics of the random units are taken; those of the inputs, of
// all.
constexpr std::int64_t kSampledRows = 100000;

enum Purpose : std::uint64_t { kWeights = 1, kBiases, kRows };

std::int64_t InputChannels(bool motion) { return Channels(motion) * (motion ? 2 : 1); }

/// Mean and 1 / standard deviation of columns; a column that does not vary keeps its scale.
struct ColumnStatistics {
  explicit ColumnStatistics(std::int64_t columns)
      : sum(torch::zeros({columns}, torch::kFloat64)),
        square(torch::zeros({columns}, torch::kFloat64)) {}

  void Add(const torch::Tensor& rows) {
    const auto wide = rows.to(torch::kFloat64);
    sum += wide.sum(0);
    square += wide.square().sum(0);
    count += rows.size(0);
  }
  torch::Tensor Mean() const { return (sum / count).to(torch::kFloat32); }
  torch::Tensor Scale() const {
    const auto mean = sum / count;
    const auto std = (square / count - mean.square()).clamp_min(0).sqrt();
    return torch::where(std > 1e-6, std, torch::ones_like(std)).reciprocal().to(torch::kFloat32);
  }

  torch::Tensor sum, square;
  std::int64_t count = 0;
};

torch::Tensor Gaussian(std::int64_t rows, std::int64_t columns, double spread, std::uint64_t seed) {
  auto matrix = torch::empty({rows, columns}, torch::kFloat32);
  RandomStream random(seed);
  auto* values = matrix.data_ptr<float>();
  for (std::int64_t i = 0; i < rows * columns; ++i)
    values[i] = static_cast<float>(spread * random.Normal());
  return matrix;
}

// A fixed random share of the rows numbered from `first`.
torch::Tensor PickRows(const torch::Tensor& rows,
                       std::int64_t first,
                       std::int64_t one_in,
                       std::uint64_t seed) {
  std::vector<std::int64_t> picked;
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    RandomStream random(MixSeed({seed, kRows, static_cast<std::uint64_t>(first + i)}));
    if (random.Below(static_cast<std::uint64_t>(one_in)) == 0) picked.push_back(i);
  }
  return rows.index_select(0, torch::tensor(picked, torch::kInt64));
}

}  // namespace

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("motion",
        &Options::motion,
        "Adds signed changes over 1 and 2 frames, and feeds the random units with the change from "
        "the "
        "last to the next frame as well.");
  t.Add("units", &Options::units, "Random ReLU units (D); 0 = 192, or 384 with motion.")
      .Range(0, 8192);
  t.Add("centred",
        &Options::centred,
        "Subtracts the training split's mean from the units, not only scales.");
  t.Add("seed", &Options::seed, "Seed of the random layer.").AtLeast(0);
  return t;
}

ShapeHog::ShapeHog(const Options& options, const PluginContext& /*context*/) : options_(options) {
  if (options_.units == 0) options_.units = options_.motion ? kMotionUnits : kUnits;
  const auto seed = static_cast<std::uint64_t>(options_.seed);
  const std::int64_t inputs = InputChannels(options_.motion);
  weight_ = Gaussian(inputs,
                     options_.units,
                     kWeightGain / std::sqrt(static_cast<double>(inputs)),
                     MixSeed({seed, kWeights}));
  bias_ = Gaussian(1, options_.units, kBiasSpread, MixSeed({seed, kBiases})).squeeze(0);
}

TeacherTraits ShapeHog::traits() const {
  TeacherTraits traits;
  traits.dim = options_.units;
  traits.patch = kCell;
  return traits;
}

torch::Tensor ShapeHog::Inputs(const torch::Tensor& frames) const {
  if (frames.dim() != 4 || frames.size(1) != 3 || frames.size(2) % kCell != 0 ||
      frames.size(3) % kCell != 0 || frames.scalar_type() != torch::kFloat32) {
    FailInput("shape-hog: frames of " + c10::str(frames.sizes()) +
              ", expected [T, 3, H, W] float32 "
              "with H and W multiples of 4");
  }
  // Rendered frames are grey: the first channel says all.
  const auto grey = frames.select(1, 0).contiguous();
  const FrameStack stack{
      grey.data_ptr<float>(), grey.stride(0), grey.size(0), grey.size(1), grey.size(2)};
  std::vector<float> features = BaseFeatures(stack, options_.motion);
  const auto base = torch::from_blob(
      features.data(),
      {stack.frames, stack.height / kCell, stack.width / kCell, Channels(options_.motion)},
      torch::kFloat32);
  if (!options_.motion) return base.clone();
  const std::int64_t last = stack.frames - 1;
  const auto at = torch::arange(stack.frames, torch::kInt64);
  const auto next = base.index_select(0, (at + 1).clamp_max(last));
  const auto before = base.index_select(0, (at - 1).clamp_min(0));
  return torch::cat({base, next - before}, -1);
}

torch::Tensor ShapeHog::Hidden(const torch::Tensor& inputs) const {
  const auto scaled = (inputs - input_mean_).mul_(input_scale_);
  return torch::addmm(bias_, scaled, weight_).relu_();
}

void ShapeHog::Fit(const FrameSource& train) {
  const torch::NoGradGuard no_grad;
  if (train.size() == 0)
    FailInput("shape-hog: the training split has no clip to take statistics from");
  const std::int64_t inputs = InputChannels(options_.motion);
  ColumnStatistics input_statistics(inputs), hidden_statistics(options_.units);
  std::vector<torch::Tensor> sample;
  std::int64_t rows = 0;
  for (std::int64_t i = 0; i < train.size(); ++i) {
    const auto cells = Inputs(train.At(i)).reshape({-1, inputs});
    input_statistics.Add(cells);
    const std::int64_t one_in =
        std::max<std::int64_t>(1, cells.size(0) * train.size() / kSampledRows);
    sample.push_back(PickRows(cells, rows, one_in, static_cast<std::uint64_t>(options_.seed)));
    rows += cells.size(0);
  }
  input_mean_ = input_statistics.Mean();
  input_scale_ = input_statistics.Scale();
  for (const auto& cells : sample) {
    if (cells.size(0) > 0) hidden_statistics.Add(Hidden(cells));
  }
  hidden_mean_ = hidden_statistics.Mean();
  hidden_scale_ = hidden_statistics.Scale();
}

torch::Tensor ShapeHog::Encode(const torch::Tensor& frames) {
  const torch::NoGradGuard no_grad;
  if (!hidden_scale_.defined()) throw Error(ErrorCode::kInternal, "shape-hog: Encode before Fit");
  if (frames.dim() != 5)
    FailInput("shape-hog: frames with other than 5 dimensions, expected [B, T, 3, H, W]");
  const std::int64_t clips = frames.size(0);
  std::vector<torch::Tensor> tokens(static_cast<std::size_t>(clips));
  at::parallel_for(0, clips, 1, [&](std::int64_t begin, std::int64_t end) {
    const torch::NoGradGuard no_grad_here;
    for (std::int64_t i = begin; i < end; ++i) {
      // One clip at a time: a clip's tokens must not depend on the batch, not even by rounding.
      const auto inputs = Inputs(frames[i]);
      auto units = Hidden(inputs.reshape({-1, inputs.size(-1)}));
      if (options_.centred) units.sub_(hidden_mean_);
      units.mul_(hidden_scale_);
      tokens[static_cast<std::size_t>(i)] =
          units.reshape({inputs.size(0), inputs.size(1), inputs.size(2), options_.units});
    }
  });
  return torch::stack(tokens);
}

}  // namespace cross4d::shape_hog

CROSS4D_PLUGIN(
    teacher,
    Teacher,
    "shape-hog",
    "1.0.0",
    "Hand-made shape and motion features with random ReLU units; no weights, no download.",
    "frame-tokens",
    "",
    cross4d::shape_hog::ShapeHog,
    cross4d::shape_hog::DescribeOptions)
