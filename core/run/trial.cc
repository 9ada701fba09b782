// SPDX-License-Identifier: Apache-2.0
#include "core/run/trial.h"

#include "core/data/in_context.h"
#include "core/protocol/core_options.h"
#include "core/run/stage_plugins.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/tags.h>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>

#include <string>
#include <variant>

namespace cross4d::run {
namespace {

struct TrialSize {
  std::int64_t frames = 0, points = 0;
  std::int64_t views = 0, target_dim = 0;  // 0: no targets
};

TrialSize SizeOf(const protocol::StageSpec& spec) {
  const OptionValues& clip = spec.options.at(kTrialClip);
  TrialSize size{std::get<std::int64_t>(clip.at("frames")),
                 std::get<std::int64_t>(clip.at("points"))};
  if (const auto targets = spec.options.find("targets"); targets != spec.options.end()) {
    const auto options = protocol::TargetsTable().Read(targets->second);
    size.views = options.cameras;
    size.target_dim = options.dim;
  }
  return size;
}

std::string Describe(const protocol::StageSpec& spec, const TrialSize& size) {
  std::string text = "student " + spec.plugins.at("student").name;
  if (const auto it = spec.plugins.find("objective"); it != spec.plugins.end()) {
    text = "objective " + it->second.name + " on " + text;
  }
  text += ", clips of " + std::to_string(size.frames) + " x " + std::to_string(size.points);
  if (size.views > 0) text += ", " + std::to_string(size.views) + " camera";
  return text + (size.views > 1 ? "s" : "");
}

TrainBatch MadeUpBatch(const Student& student,
                       const TrialSize& size,
                       const torch::Generator& generator) {
  const torch::Tensor clip = at::rand({size.frames, size.points, 3}, generator, at::kFloat);
  const TokenGeometry geometry = student.Tokenize(clip);
  TrainBatch batch;
  batch.input = {
      clip.unsqueeze(0), geometry.centres.unsqueeze(0), geometry.frames.unsqueeze(0), {}};
  for (const auto& [name, tensor] : geometry.extra) {
    batch.input.extra[name] = tensor.unsqueeze(0);
  }
  if (size.target_dim == 0) return batch;
  const std::int64_t tokens = geometry.frames.numel(), dim = size.target_dim;
  batch.token_targets = at::randn({1, tokens, dim}, generator, at::kFloat);
  batch.token_visible = at::ones({1, tokens}, at::kBool);
  batch.clip_targets = at::randn({1, dim}, generator, at::kFloat);
  batch.frame_targets = at::randn({1, size.views, size.frames, dim}, generator, at::kFloat);
  batch.view_visible = at::ones({1, size.views, tokens}, at::kBool);
  return batch;
}

void Try(const StagePlugins& plugins, const TrialSize& size, bool has_objective) {
  const torch::NoGradGuard no_grad;
  const auto generator = at::detail::createCPUGenerator();
  const auto student = plugins.MakeStudent(1);
  student->eval();
  const TrainBatch batch = MadeUpBatch(*student, size, generator);
  if (!has_objective || plugins.Describe("objective").Provides(tags::kUntrained)) {
    student->Forward(batch.input);
    return;
  }
  const auto objective = plugins.MakeObjective();
  objective->Build({.student_dim = student->dim(),
                    .target_dim = size.target_dim,
                    .frames = size.frames,
                    .views = size.views,
                    .make_student = [&plugins] { return plugins.MakeStudent(1); }},
                   *student);
  objective->eval();
  objective->Step(*student, batch, {.step = 0, .total_steps = 1, .generator = generator});
}

}  // namespace

void TryStep(const protocol::StageSpec& spec, protocol::Reporter& reporter) {
  at::set_num_threads(1);  // as a stage has it; more would wait for busy cores
  const TrialSize size = SizeOf(spec);
  data::InContext(Describe(spec, size), [&] {
    Try(StagePlugins(spec, reporter), size, spec.plugins.contains("objective"));
  });
}

}  // namespace cross4d::run
