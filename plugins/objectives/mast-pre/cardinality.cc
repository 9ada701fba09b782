// SPDX-License-Identifier: Apache-2.0
#include "cardinality.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace cross4d::mast_pre {
namespace {

constexpr std::int64_t kAzimuths = 4;
constexpr std::int64_t kTubesPerTask = 256;

}  // namespace

void Vote(float x, float y, float z, float* bins) {
  constexpr float kQuarter = std::numbers::pi_v<float> / 2;
  const float flat = std::sqrt(x * x + y * y);
  if (flat == 0 && z == 0) return;
  // Bin k has its centre at k + 0.5 quarters.
  const float azimuth = std::atan2(y, x) / kQuarter - 0.5F;
  const float low = std::floor(azimuth);
  const float upper = azimuth - low;
  const auto first = (static_cast<std::int64_t>(low) + kAzimuths) % kAzimuths;
  const auto second = (first + 1) % kAzimuths;
  // Centres at -45 and 45 degrees; beyond them there is no neighbour to share with.
  const float top = std::clamp(std::atan2(z, flat) / kQuarter + 0.5F, 0.0F, 1.0F);
  for (const auto& [bin, share] : {std::pair(first, 1 - upper), std::pair(second, upper)}) {
    bins[bin] += share * (1 - top);
    bins[kAzimuths + bin] += share * top;
  }
}

torch::Tensor Histograms(const pretext::PointTubes& tubes) {
  const torch::NoGradGuard no_grad;
  const std::int64_t slots = tubes.points.size(2), k = tubes.points.size(3);
  const torch::Tensor offsets =
      (tubes.points - tubes.anchors.unsqueeze(2).unsqueeze(3)).contiguous();
  const torch::Tensor out =
      at::zeros({tubes.points.size(0), tubes.points.size(1), slots, kBins}, at::kFloat);
  const float* from = offsets.const_data_ptr<float>();
  const std::int64_t* counts = tubes.counts.const_data_ptr<std::int64_t>();
  float* to = out.data_ptr<float>();
  at::parallel_for(
      0, tubes.counts.numel(), kTubesPerTask, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          for (std::int64_t j = 0; j < counts[i]; ++j) {
            const float* p = from + 3 * (i * k + j);
            Vote(p[0], p[1], p[2], to + i * kBins);
          }
        }
      });
  return out;
}

}  // namespace cross4d::mast_pre
