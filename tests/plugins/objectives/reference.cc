// SPDX-License-Identifier: Apache-2.0
#include "tests/plugins/objectives/reference.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace cross4d::test {

using torch::Tensor;

SmallStudent::SmallStudent(std::int64_t dim) : dim_(dim) {
  embed_ = register_module("embed", torch::nn::Linear(4, dim));
  mix_ = register_module("mix", torch::nn::Linear(dim, dim));
}

TokenGeometry SmallStudent::Tokenize(const Tensor&) const { return {}; }

StudentOutput SmallStudent::Forward(const StudentInput& input) {
  return {Encode(Embed(input), input.centres, input.frames), input.centres, input.frames};
}

Tensor SmallStudent::Embed(const StudentInput& input) {
  const Tensor time = input.frames.to(at::kFloat).unsqueeze(2) * 0.1;
  return embed_(at::cat({input.centres, time}, 2)).tanh();
}

Tensor SmallStudent::Encode(const Tensor& tokens, const Tensor&, const Tensor&) {
  return tokens + mix_(tokens.mean(1, true)) * tokens;
}

StudentInput MakeInput(std::int64_t clips,
                       std::int64_t frames,
                       std::int64_t points,
                       std::int64_t per_frame) {
  const auto generator = torch::make_generator<at::CPUGeneratorImpl>(5);
  StudentInput input;
  input.points = at::randn({clips, frames, points, 3}, generator, at::kFloat) + 1;
  input.centres = input.points.narrow(2, 0, per_frame).flatten(1, 2).contiguous();
  input.frames =
      at::arange(frames, at::kLong).repeat_interleave(per_frame).unsqueeze(0).repeat({clips, 1});
  return input;
}

ObjectiveShape ShapeFor(std::int64_t dim) {
  return {.student_dim = dim, .target_dim = 0, .frames = 0, .views = 0, .make_student = [dim] {
            return std::make_shared<SmallStudent>(dim);
          }};
}

StepContext ContextOf(std::int64_t step, std::int64_t total, std::uint64_t seed) {
  return {step, total, torch::make_generator<at::CPUGeneratorImpl>(seed)};
}

Tensor TrainStep(Objective& objective,
                 Student& student,
                 const TrainBatch& batch,
                 const StepContext& context) {
  const ObjectiveOutput out = objective.Step(student, batch, context);
  objective.zero_grad();
  student.zero_grad();
  out.loss.backward();
  {
    const torch::NoGradGuard no_grad;
    for (torch::nn::Module* module :
         {static_cast<torch::nn::Module*>(&objective), static_cast<torch::nn::Module*>(&student)}) {
      for (Tensor& p : module->parameters()) {
        if (p.grad().defined()) p.sub_(p.grad() * 0.01);
      }
    }
  }
  objective.AfterStep(student, context);
  return out.loss.detach();
}

void CopyState(const torch::nn::Module& from, torch::nn::Module& to) {
  const torch::NoGradGuard no_grad;
  const auto parameters = from.named_parameters();
  for (auto& item : to.named_parameters()) item.value().copy_(parameters[item.key()]);
  const auto buffers = from.named_buffers();
  for (auto& item : to.named_buffers()) item.value().copy_(buffers[item.key()]);
}

Weights DoubleOf(const torch::nn::Module& module) {
  Weights weights;
  for (const auto& item : module.named_parameters()) {
    weights[item.key()] = item.value().detach().to(at::kDouble).requires_grad_();
  }
  return weights;
}

Tensor RefLinear(const Weights& w, const std::string& name, const Tensor& x) {
  const Tensor y = at::matmul(x.to(at::kDouble), w.at(name + ".weight").t());
  return w.contains(name + ".bias") ? y + w.at(name + ".bias") : y;
}

Tensor RefNorm(const Tensor& x) {
  const Tensor centred = x - x.mean(-1, true);
  return centred / at::sqrt(centred.square().mean(-1, true) + 1e-5);
}

Tensor RefGelu(const Tensor& x) { return x * 0.5 * (1 + at::erf(x / std::sqrt(2.0))); }

namespace {

Tensor AffineNorm(const Weights& w, const std::string& name, const Tensor& x) {
  return RefNorm(x) * w.at(name + ".weight") + w.at(name + ".bias");
}

}  // namespace

Tensor RefPredictor(
    const Weights& w, const std::string& name, std::int64_t depth, std::int64_t heads, Tensor x) {
  const std::int64_t c = x.size(2), d = c / heads;
  for (std::int64_t layer = 0; layer < depth; ++layer) {
    const std::string block = name + ".block" + std::to_string(layer);
    const Tensor qkv = RefLinear(w, block + ".qkv", AffineNorm(w, block + ".norm1", x));
    std::vector<Tensor> mixed;
    for (std::int64_t h = 0; h < heads; ++h) {
      const Tensor q = qkv.narrow(2, h * d, d), k = qkv.narrow(2, c + h * d, d);
      const Tensor p = at::softmax(at::matmul(q, k.transpose(1, 2)) / std::sqrt(double(d)), -1);
      mixed.push_back(at::matmul(p, qkv.narrow(2, 2 * c + h * d, d)));
    }
    x = x + RefLinear(w, block + ".out", at::cat(mixed, 2));
    const Tensor up = RefGelu(RefLinear(w, block + ".up", AffineNorm(w, block + ".norm2", x)));
    x = x + RefLinear(w, block + ".down", up);
  }
  return AffineNorm(w, name + ".norm", x);
}

Tensor RefEmbed(const Weights& w, const StudentInput& input) {
  const Tensor time = input.frames.to(at::kDouble).unsqueeze(2) * 0.1;
  return RefLinear(w, "embed", at::cat({input.centres.to(at::kDouble), time}, 2)).tanh();
}

Tensor RefEncode(const Weights& w, const Tensor& tokens) {
  return tokens + RefLinear(w, "mix", tokens.mean(1, true)) * tokens;
}

Tensor RefPlaces(const StudentInput& input) {
  std::vector<Tensor> clips;
  const double last = std::max<double>(1, static_cast<double>(input.points.size(1) - 1));
  for (std::int64_t b = 0; b < input.points.size(0); ++b) {
    const Tensor points = input.points[b].to(at::kDouble).view({-1, 3});
    const Tensor origin = points.mean(0);
    const Tensor radius = (points - origin).norm(2, {1}).max();
    const Tensor time = input.frames[b].to(at::kDouble) / last * 2 - 1;
    clips.push_back(
        at::cat({(input.centres[b].to(at::kDouble) - origin) / radius, time.unsqueeze(1)}, 1));
  }
  return at::stack(clips);
}

Tensor RefTake(const Tensor& rows, const Tensor& index) {
  std::vector<Tensor> clips;
  for (std::int64_t b = 0; b < index.size(0); ++b) {
    std::vector<Tensor> taken;
    for (std::int64_t k = 0; k < index.size(1); ++k) {
      taken.push_back(rows[b][index[b][k].item<std::int64_t>()]);
    }
    clips.push_back(at::stack(taken));
  }
  return at::stack(clips);
}

Tensor RefChamfer(const Tensor& a, const Tensor& b) {
  const Tensor distance = (a.unsqueeze(2) - b.unsqueeze(1)).square().sum(3);
  return std::get<0>(distance.min(2)).mean() + std::get<0>(distance.min(1)).mean();
}

Tensor RefCosine(const Tensor& a, const Tensor& b) {
  return (a * b).sum(-1) / (a.square().sum(-1).sqrt() * b.square().sum(-1).sqrt());
}

double Difference(const Tensor& a, const Tensor& b) {
  const Tensor x = a.detach().to(at::kDouble), y = b.detach().to(at::kDouble);
  if (x.sizes() != y.sizes()) return 1e9;
  return (x - y).abs().max().item<double>() / std::max(1e-6, y.abs().max().item<double>());
}

std::string CompareGradients(const torch::nn::Module& module,
                             const Weights& weights,
                             double tolerance) {
  // Against the largest gradient of all: a bias in front of a BatchNorm has rounding noise only.
  double largest = 0;
  for (const auto& [name, weight] : weights) {
    if (weight.grad().defined()) {
      largest = std::max(largest, weight.grad().abs().max().item<double>());
    }
  }
  std::string text;
  for (const auto& item : module.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    const Tensor got = item.value().grad(), want = weights.at(item.key()).grad();
    if (!got.defined() && !want.defined()) continue;
    if (!got.defined() || !want.defined()) {
      text += item.key() + " (in one only) ";
      continue;
    }
    const double difference = (got.to(at::kDouble) - want).abs().max().item<double>() /
                              std::max(want.abs().max().item<double>(), 1e-3 * largest);
    if (!(difference <= tolerance)) text += item.key() + " " + std::to_string(difference) + " ";
  }
  return largest > 0 ? text : "no gradient at all";
}

}  // namespace cross4d::test
