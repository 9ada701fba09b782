// SPDX-License-Identifier: Apache-2.0
#include "tokenizer.h"

#include "core/geometry/neighbours.h"

#include <cross4d/sdk/error.h>

#include <ATen/ATen.h>

#include <algorithm>
#include <span>
#include <sstream>
#include <type_traits>
#include <vector>

#include "anchors.h"

namespace cross4d::p4transformer {
namespace {

using torch::Tensor;

template <class T>
std::span<T> Values(const Tensor& tensor) {
  return {tensor.data_ptr<std::remove_const_t<T>>(), static_cast<std::size_t>(tensor.numel())};
}

void CheckClip(const Tensor& points) {
  const bool good = points.defined() && points.dim() == 3 && points.size(2) == 3 &&
                    points.scalar_type() == at::kFloat && points.is_cpu() && points.numel() > 0;
  if (!good) {
    std::ostringstream found;
    if (points.defined()) {
      found << points.sizes() << " " << points.scalar_type() << " on " << points.device();
    } else {
      found << "undefined";
    }
    FailInput("p4transformer: points are " + found.str() +
              ", expected [T, N, 3] float32 on the CPU, not empty");
  }
  const Tensor bad = points.isfinite().all(2).logical_not();
  if (!bad.any().item<bool>()) return;
  const std::int64_t at = bad.view({-1}).to(at::kByte).argmax().item<std::int64_t>();
  FailInput("p4transformer: a coordinate of frame " + std::to_string(at / points.size(1)) +
            ", point " + std::to_string(at % points.size(1)) + " is not finite");
}

/// Of clips [.., T, N, 3]: [.., 1, 1, 3]. A loop, as LibTorch's sum depends on its threads.
Tensor Centroids(const Tensor& points) {
  const Tensor clips = points.contiguous();
  std::vector<std::int64_t> shape = clips.sizes().vec();
  const std::int64_t count = shape[shape.size() - 3] * shape[shape.size() - 2];
  shape[shape.size() - 3] = shape[shape.size() - 2] = 1;
  Tensor out = at::empty(shape, clips.options());
  const float* from = clips.data_ptr<float>();
  float* to = out.data_ptr<float>();
  for (std::int64_t i = 0; i < out.numel(); i += 3) {
    double sum[3] = {};
    for (std::int64_t k = 0; k < count; ++k, from += 3) {
      for (int a = 0; a < 3; ++a) sum[a] += from[a];
    }
    for (int a = 0; a < 3; ++a) to[i + a] = static_cast<float>(sum[a] / static_cast<double>(count));
  }
  return out;
}

}  // namespace

std::int64_t TokensPerFrame(const Options& options, std::int64_t points) {
  const std::int64_t finer = options.pooling == "finer" ? 2 : 1;
  const std::int64_t stride = std::max<std::int64_t>(options.spatial_stride / finer, 1);
  return std::max<std::int64_t>(points / stride, 1);
}

Tensor PrepareClips(const Tensor& points, const Options& options) {
  if (!options.normalize) return points;
  const Tensor centred = points - Centroids(points);
  const Tensor radius = centred.square().sum(-1, true).amax({-3, -2}, true).sqrt_();
  return centred / radius.clamp_min(1e-12);
}

Tensor WindowFrames(std::int64_t frames) {
  const Tensor first = at::arange(0, frames, kTemporalStride, at::kLong).unsqueeze(1);
  return (first + at::arange(-1, kWindow - 1, at::kLong)).clamp_(0, frames - 1);
}

TokenGeometry TokenizeClip(const Tensor& points, const Options& options) {
  CheckClip(points);
  const Tensor clouds = PrepareClips(points.detach(), options).contiguous();
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
