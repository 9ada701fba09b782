// SPDX-License-Identifier: Apache-2.0
#include "tokenizer.h"

#include "core/geometry/neighbours.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "anchors.h"
#include "clip.h"

namespace cross4d::p4transformer {

using torch::Tensor;

std::int64_t TokensPerFrame(const Options& options, std::int64_t points) {
  const std::int64_t finer = options.pooling == "finer" ? 2 : 1;
  const std::int64_t stride = std::max<std::int64_t>(options.spatial_stride / finer, 1);
  return std::max<std::int64_t>(points / stride, 1);
}

Tensor WindowFrames(std::int64_t frames) {
  const Tensor first = at::arange(0, frames, kTemporalStride, at::kLong).unsqueeze(1);
  return (first + at::arange(-1, kWindow - 1, at::kLong)).clamp_(0, frames - 1);
}

TokenGeometry TokenizeClip(const Tensor& points, const Options& options) {
  CheckClip(points);
  const Tensor clouds = PrepareClips(points.detach(), options.normalize).contiguous();
  const Tensor windows = WindowFrames(clouds.size(0));
  const std::int64_t n = clouds.size(1), steps = windows.size(0);
  const std::int64_t m = TokensPerFrame(options, n);
  const Tensor picks = at::empty({steps, m}, at::kInt);
  const Tensor neighbours = at::empty({steps, kWindow, m, options.neighbours}, at::kInt);
  for (std::int64_t l = 0; l < steps; ++l) {
    const Tensor own = clouds[windows[l][1].item<std::int64_t>()];
    PickAnchors(Values<const float>(own), options.skip_near_origin, Values<std::int32_t>(picks[l]));
    const Tensor anchors = own.index_select(0, picks[l]);
    for (std::int64_t s = 0; s < kWindow; ++s) {
      geometry::BallQuery(Values<const float>(clouds[windows[l][s].item<std::int64_t>()]),
                          Values<const float>(anchors),
                          static_cast<float>(options.radius),
                          Values<std::int32_t>(neighbours[l][s]));
    }
  }
  const at::ScalarType type = n < 32768 ? at::kShort : at::kInt;
  const Tensor frames = windows.select(1, 1);
  TokenGeometry out;
  out.frames = frames.repeat_interleave(m);
  out.nearest = picks.to(at::kLong).view({-1});
  out.centres = points.detach().index({out.frames, out.nearest}).contiguous();
  out.extra["anchors"] = picks.to(type);
  out.extra["neighbours"] = neighbours.to(type);
  return out;
}

}  // namespace cross4d::p4transformer
