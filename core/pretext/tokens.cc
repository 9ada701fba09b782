// SPDX-License-Identifier: Apache-2.0
#include "core/pretext/tokens.h"

#include <cross4d/sdk/error.h>

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <string>

namespace cross4d::pretext {
namespace {

using torch::Tensor;

/// Random order in each row of the last dimension.
Tensor Shuffled(at::IntArrayRef shape, const torch::Generator& generator) {
  return at::argsort(at::rand(shape, generator, at::kFloat), /*stable=*/true, -1);
}

std::int64_t HiddenCount(std::int64_t tokens, double ratio, const char* what) {
  if (tokens < 2) {
    FailInput("a " + std::string(what) + " of " + std::to_string(tokens) +
              " token has nothing to hide and predict; the student must give at least 2");
  }
  // 0.75 * 4 must not become 2.999….
  const auto count = static_cast<std::int64_t>(ratio * static_cast<double>(tokens) + 1e-9);
  return std::clamp<std::int64_t>(count, 1, tokens - 1);
}

Tensor Rising(const Tensor& index) { return std::get<0>(at::sort(index, -1)).contiguous(); }

}  // namespace

TokenLayout LayoutOf(const Tensor& frames) {
  const Tensor first = frames[0].contiguous();
  const auto [values, inverse, counts] = at::unique_consecutive(first, false, true);
  const TokenLayout layout{values.numel(),
                           first.numel() / std::max<std::int64_t>(1, values.numel())};
  const bool even = layout.frames > 0 && (counts == layout.per_frame).all().item<bool>() &&
                    (layout.frames == 1 || (values.diff() > 0).all().item<bool>());
  if (!even || !(frames == first).all().item<bool>()) {
    FailInput(
        "the student's tokens do not lie frame after frame with the same number in each; this "
        "objective hides tokens by frame and needs that");
  }
  return layout;
}

Tensor Take(const Tensor& x, const Tensor& index) {
  if (x.dim() == 2) return x.gather(1, index);
  // One gather of whole rows: x.gather would need the index once per channel.
  const std::int64_t clips = x.size(0), tokens = x.size(1);
  const Tensor base = at::arange(clips, index.options()).mul_(tokens).unsqueeze(1);
  return x.flatten(0, 1).index_select(0, (index + base).flatten()).unflatten(0, index.sizes());
}

ClipScale ScaleOf(const Tensor& points) {
  const Tensor all = points.flatten(1, 2);
  const Tensor origin = all.mean(1, true);
  const Tensor radius = (all - origin).square().sum(2).amax(1).sqrt_();
  return {origin, radius.clamp_min_(1e-12).view({-1, 1, 1})};
}

Tensor PlacesOf(const StudentInput& input) {
  const ClipScale scale = ScaleOf(input.points);
  const auto last = static_cast<double>(std::max<std::int64_t>(1, input.points.size(1) - 1));
  Tensor time = input.frames.to(at::kFloat).mul_(2 / last).sub_(1);
  if (input.points.size(1) == 1) time.zero_();
  return at::cat({(input.centres - scale.origin) / scale.radius, time.unsqueeze(2)}, 2);
}

TokenSplit HideAnywhere(std::int64_t clips,
                        const TokenLayout& layout,
                        double ratio,
                        const torch::Generator& generator) {
  const std::int64_t tokens = layout.tokens();
  const std::int64_t hidden = HiddenCount(tokens, ratio, "clip");
  const Tensor order = Shuffled({clips, tokens}, generator);
  return {Rising(order.slice(1, hidden)), Rising(order.slice(1, 0, hidden))};
}

TokenSplit HidePerFrame(std::int64_t clips,
                        const TokenLayout& layout,
                        double ratio,
                        const torch::Generator& generator) {
  const std::int64_t hidden = HiddenCount(layout.per_frame, ratio, "frame");
  const Tensor slots = Shuffled({clips, layout.frames, layout.per_frame}, generator);
  const Tensor base = at::arange(layout.frames, at::kLong).mul_(layout.per_frame).unsqueeze(1);
  const Tensor order = slots + base;
  return {Rising(order.slice(2, hidden).flatten(1)), Rising(order.slice(2, 0, hidden).flatten(1))};
}

Tensor EncodeSome(Student& student,
                  const Tensor& tokens,
                  const StudentInput& input,
                  const Tensor& index) {
  return student.Encode(Take(tokens, index), Take(input.centres, index), Take(input.frames, index));
}

RandomStream StreamOf(const torch::Generator& generator) {
  const Tensor bits =
      at::randint(std::numeric_limits<std::int64_t>::max(), {1}, generator, at::kLong);
  return RandomStream(static_cast<std::uint64_t>(bits.item<std::int64_t>()));
}

}  // namespace cross4d::pretext
