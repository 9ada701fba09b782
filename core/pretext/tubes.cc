// SPDX-License-Identifier: Apache-2.0
#include "core/pretext/tubes.h"

#include "core/geometry/neighbours.h"
#include "core/pretext/tokens.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <span>
#include <vector>

namespace cross4d::pretext {
namespace {

using torch::Tensor;

constexpr std::int64_t kSlots = 3;  // frames t-1, t, t+1

/// Neighbours of some queries in one cloud of N points.
struct Hood {
  std::vector<std::int32_t> index, count;  // [Q, K], [Q]
};

Hood Find(std::span<const float> cloud,
          std::span<const float> queries,
          std::int64_t k,
          float radius) {
  const std::size_t q = queries.size() / 3;
  Hood hood{std::vector<std::int32_t>(q * static_cast<std::size_t>(k)),
            std::vector<std::int32_t>(q)};
  if (radius > 0) {
    geometry::BallQuery(cloud, queries, radius, hood.index, hood.count);
  } else {
    geometry::NearestNeighbours(cloud, queries, hood.index);
    const auto points = static_cast<std::int64_t>(cloud.size() / 3);
    std::fill(hood.count.begin(), hood.count.end(), static_cast<std::int32_t>(std::min(points, k)));
  }
  return hood;
}

/// One clip: rows of points [T, N, 3] for anchors [M, 3] with frames [M].
void FillClip(const Tensor& points,
              const Tensor& anchors,
              const Tensor& frames,
              const TubeShape& shape,
              float radius,
              float* to,
              std::int64_t* counts) {
  const std::int64_t t = points.size(0), n = points.size(1), m = anchors.size(0);
  const std::int64_t k = shape.neighbours;
  const float* clip = points.const_data_ptr<float>();
  const std::int64_t* frame = frames.const_data_ptr<std::int64_t>();
  for (std::int64_t begin = 0, end = 0; begin < m; begin = end) {
    while (end < m && frame[end] == frame[begin]) ++end;
    const std::span<const float> queries(anchors.const_data_ptr<float>() + 3 * begin,
                                         static_cast<std::size_t>(3 * (end - begin)));
    for (std::int64_t slot = 0; slot < kSlots; ++slot) {
      const float* cloud =
          clip + std::clamp<std::int64_t>(frame[begin] + slot - 1, 0, t - 1) * n * 3;
      const Hood hood = Find({cloud, static_cast<std::size_t>(3 * n)}, queries, k, radius);
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int32_t* row = hood.index.data() + (i - begin) * k;
        float* out = to + (i * kSlots + slot) * k * 3;
        for (std::int64_t j = 0; j < k; ++j) std::copy_n(cloud + 3 * row[j], 3, out + 3 * j);
        counts[i * kSlots + slot] = hood.count[static_cast<std::size_t>(i - begin)];
      }
    }
  }
}

}  // namespace

PointTubes TubesOf(const StudentInput& input, const Tensor& tokens, const TubeShape& shape) {
  const torch::NoGradGuard no_grad;
  const std::int64_t b = tokens.size(0), m = tokens.size(1), k = shape.neighbours;
  const Tensor points = input.points.contiguous();
  const Tensor anchors = Take(input.centres, tokens).contiguous();
  const Tensor frames = Take(input.frames, tokens).contiguous();
  const ClipScale scale = ScaleOf(points);
  Tensor found = at::empty({b, m, kSlots, k, 3}, at::kFloat);
  Tensor counts = at::empty({b, m, kSlots}, at::kLong);
  at::parallel_for(0, b, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      FillClip(points[i],
               anchors[i],
               frames[i],
               shape,
               static_cast<float>(shape.radius) * scale.radius[i].item<float>(),
               found.data_ptr<float>() + i * m * kSlots * k * 3,
               counts.data_ptr<std::int64_t>() + i * m * kSlots);
    }
  });
  const Tensor origin = scale.origin.view({b, 1, 1, 1, 3}),
               radius = scale.radius.view({b, 1, 1, 1, 1});
  return {(anchors - scale.origin) / scale.radius, (found - origin) / radius, counts};
}

}  // namespace cross4d::pretext
