// SPDX-License-Identifier: Apache-2.0
#include "levels.h"

#include "core/geometry/neighbours.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>
#include <vector>

#include "anchors.h"
#include "clip.h"

namespace cross4d::p4transformer_seg {
namespace {

using p4transformer::Values;
using torch::Tensor;

/// The frames' clouds, [n, 3] each.
using Clouds = std::vector<Tensor>;

struct LevelIndices {
  Tensor anchors, neighbours, nearest;
};

/// Of the points `below`; `above` receives the anchors' clouds.
LevelIndices IndexLevel(const LevelSizes& level,
                        const Options& options,
                        const Clouds& below,
                        Clouds& above) {
  const auto frames = static_cast<std::int64_t>(below.size());
  const std::int64_t n = below[0].size(0), m = std::max<std::int64_t>(n / level.stride, 1);
  const LevelIndices out{
      at::empty({frames, m}, at::kInt),
      at::empty({frames, level.frames, m, options.neighbours}, at::kInt),
      at::empty({frames, n, std::min<std::int64_t>(3, m)}, at::kInt),
  };
  for (std::int64_t t = 0; t < frames; ++t) {
    p4transformer::PickAnchors(Values<const float>(below[t]),
                               options.skip_near_origin,
                               Values<std::int32_t>(out.anchors[t]));
    above.push_back(below[t].index_select(0, out.anchors[t]));
    for (std::int64_t s = 0; s < level.frames; ++s) {
      geometry::BallQuery(Values<const float>(below[SeenFrame(level, t, s, frames)]),
                          Values<const float>(above[t]),
                          static_cast<float>(options.radius * static_cast<double>(level.radius)),
                          Values<std::int32_t>(out.neighbours[t][s]));
    }
    geometry::NearestNeighbours(Values<const float>(above[t]),
                                Values<const float>(below[t]),
                                Values<std::int32_t>(out.nearest[t]));
  }
  return out;
}

}  // namespace

std::int64_t SeenFrame(const LevelSizes& level,
                       std::int64_t t,
                       std::int64_t slot,
                       std::int64_t of) {
  return std::clamp<std::int64_t>(t + slot - level.frames / 2, 0, of - 1);
}

TokenGeometry TokenizeClip(const Tensor& points, const Options& options) {
  p4transformer::CheckClip(points);
  const std::int64_t frames = points.size(0), n = points.size(1);
  const Tensor clip = p4transformer::PrepareClips(points.detach(), options.normalize).contiguous();
  Clouds below = clip.unbind(0);
  const at::ScalarType type = n < 32768 ? at::kShort : at::kInt;
  TokenGeometry out;
  for (std::size_t l = 0; l < kLevels.size(); ++l) {
    Clouds above;
    const LevelIndices indices = IndexLevel(kLevels[l], options, below, above);
    const std::string number = std::to_string(l + 1);
    out.extra["anchors" + number] = indices.anchors.to(type);
    out.extra["neighbours" + number] = indices.neighbours.to(type);
    out.extra["nearest" + number] = indices.nearest.to(type);
    below = std::move(above);
  }
  out.frames = at::arange(frames, at::kLong).repeat_interleave(n);
  out.nearest = at::arange(n, at::kLong).repeat({frames});
  out.centres = points.detach().reshape({frames * n, 3}).clone();
  return out;
}

}  // namespace cross4d::p4transformer_seg
