// SPDX-License-Identifier: Apache-2.0
#include "tokenizer.h"

#include "core/geometry/farthest_points.h"
#include "core/geometry/neighbours.h"

#include <cross4d/sdk/error.h>

#include <ATen/ATen.h>

#include <span>
#include <sstream>
#include <type_traits>

namespace cross4d::point4d {
namespace {

using torch::Tensor;

template <class T>
std::span<T> Span(const Tensor& tensor) {
  return {tensor.data_ptr<std::remove_const_t<T>>(), static_cast<std::size_t>(tensor.numel())};
}

void CheckPoints(const Tensor& points) {
  const bool good = points.defined() && points.dim() == 3 && points.size(2) == 3 &&
                    points.scalar_type() == at::kFloat && points.is_cpu() && points.numel() > 0;
  if (good) return;
  std::ostringstream found;
  if (points.defined()) {
    found << points.sizes() << " " << points.scalar_type() << " on " << points.device();
  } else {
    found << "undefined";
  }
  FailInput("point4d: points are " + found.str() +
            ", expected [T, N, 3] float32 on the CPU, not empty");
}

/// One set abstraction's indices over clouds [T, n, 3].
struct Level {
  Tensor picks, neighbours;  // [T, m], [T, m, k] int32
  Tensor centres;            // [T, m, 3]
};

Level Sample(const Tensor& clouds, std::int64_t m, std::int64_t k) {
  const std::int64_t frames = clouds.size(0);
  Level level{at::empty({frames, m}, at::kInt), at::empty({frames, m, k}, at::kInt), {}};
  geometry::FarthestPointsOfClip(
      Span<const float>(clouds), frames, Span<std::int32_t>(level.picks));
  const Tensor rows = level.picks.to(at::kLong).unsqueeze(2).expand({frames, m, 3});
  level.centres = clouds.gather(1, rows).contiguous();
  for (std::int64_t t = 0; t < frames; ++t) {
    geometry::NearestNeighbours(Span<const float>(clouds[t]),
                                Span<const float>(level.centres[t]),
                                Span<std::int32_t>(level.neighbours[t]));
  }
  return level;
}

}  // namespace

TokenGeometry TokenizeClip(const Tensor& points,
                           const std::vector<std::int64_t>& centroids,
                           const std::vector<std::int64_t>& k) {
  CheckPoints(points);
  const Tensor clouds = points.detach().contiguous();
  const std::int64_t frames = clouds.size(0), tokens = centroids[1];
  const Level first = Sample(clouds, centroids[0], k[0]);
  const Level second = Sample(first.centres, tokens, k[1]);
  const at::ScalarType type = clouds.size(1) < 32768 ? at::kShort : at::kInt;

  TokenGeometry out;
  out.centres = second.centres.view({frames * tokens, 3});
  out.frames = at::arange(frames, at::kLong).repeat_interleave(tokens);
  out.nearest = first.picks.to(at::kLong).gather(1, second.picks.to(at::kLong)).view({-1});
  out.extra["picks1"] = first.picks.to(type);
  out.extra["neighbours1"] = first.neighbours.to(type);
  out.extra["picks2"] = second.picks.to(type);
  out.extra["neighbours2"] = second.neighbours.to(type);
  return out;
}

}  // namespace cross4d::point4d
