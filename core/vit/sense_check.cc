// SPDX-License-Identifier: Apache-2.0
#include "core/vit/sense_check.h"

#include <ATen/ATen.h>

#include <cmath>
#include <sstream>

namespace cross4d::vit {
namespace {

std::string Shown(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

// Frames of smooth noise [1, time, 3, height, width], each frame of its own.
at::Tensor Noise(std::int64_t time, std::int64_t height, std::int64_t width, std::uint64_t seed) {
  const at::Tensor coarse =
      at::randn({time, 3, (height + 7) / 8, (width + 7) / 8}, at::detail::createCPUGenerator(seed));
  return at::upsample_bilinear2d(coarse, {height, width}, false).unsqueeze(0);
}

double MeanCosine(const at::Tensor& a, const at::Tensor& b) {
  return at::cosine_similarity(a, b, -1).mean().item<double>();
}

SenseCheck Moves(Teacher& teacher, const at::Tensor& clip, const at::Tensor& tokens) {
  const std::int64_t tubes = tokens.size(1);
  const at::Tensor moved = teacher.Encode(clip.roll({-teacher.traits().tubelet}, {1}));
  const at::Tensor part = moved.narrow(1, 0, tubes - 1);
  const double follows = MeanCosine(part, tokens.narrow(1, 1, tubes - 1));
  const double stays = MeanCosine(part, tokens.narrow(1, 0, tubes - 1));
  return {
      "features follow a clip moved by one tubelet",
      follows > stays,
      "cosine " + Shown(follows) + " with the moved clip, " + Shown(stays) + " with the old one"};
}

}  // namespace

std::vector<SenseCheck> CheckSense(Teacher& teacher, std::int64_t height, std::int64_t width) {
  const TeacherTraits traits = teacher.traits();
  const bool video = traits.tubelet > 1;
  const std::int64_t time = traits.frames != 0 ? traits.frames : video ? 4 * traits.tubelet : 1;
  const at::Tensor one = Noise(time, height, width, 1), two = Noise(time, height, width, 2);
  const at::Tensor a = teacher.Encode(one), b = teacher.Encode(two);
  std::vector<SenseCheck> checks;
  const bool finite = at::isfinite(a).all().item<bool>() && at::isfinite(b).all().item<bool>();
  checks.push_back(
      {"outputs are finite", finite, "largest " + Shown(a.abs().max().item<double>())});
  const double same = (teacher.Encode(one) - a).abs().max().item<double>();
  checks.push_back(
      {"the same input gives the same output", same == 0, "difference " + Shown(same)});
  const double between = MeanCosine(a, b);
  checks.push_back({"different inputs give different outputs",
                    between < 0.999,
                    "mean cosine of their tokens " + Shown(between)});
  const at::Tensor both = teacher.Encode(at::cat({one, two}));
  const double batch = MeanCosine(both.narrow(0, 1, 1), b);
  checks.push_back({"a clip's output does not depend on its batch",
                    batch > 0.9999,
                    "mean cosine " + Shown(batch)});
  if (video) checks.push_back(Moves(teacher, one, a));
  return checks;
}

}  // namespace cross4d::vit
