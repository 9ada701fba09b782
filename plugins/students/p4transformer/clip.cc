// SPDX-License-Identifier: Apache-2.0
#include "clip.h"

#include <cross4d/sdk/error.h>

#include <ATen/ATen.h>

#include <sstream>
#include <string>
#include <vector>

namespace cross4d::p4transformer {
namespace {

using torch::Tensor;

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

Tensor PrepareClips(const Tensor& points, bool normalize) {
  if (!normalize) return points;
  const Tensor centred = points - Centroids(points);
  const Tensor radius = centred.square().sum(-1, true).amax({-3, -2}, true).sqrt_();
  return centred / radius.clamp_min(1e-12);
}

StudentInput OneClip(const StudentInput& input, std::int64_t clip) {
  StudentInput one{input.points.narrow(0, clip, 1),
                   input.centres.narrow(0, clip, 1),
                   input.frames.narrow(0, clip, 1),
                   {}};
  for (const auto& [name, tensor] : input.extra) one.extra[name] = tensor.narrow(0, clip, 1);
  return one;
}

const Tensor& Extra(const StudentInput& input, const std::string& name) {
  const auto found = input.extra.find(name);
  if (found == input.extra.end()) {
    FailInput("p4transformer: the batch has no '" + name +
              "'; it must come from this student's Tokenize");
  }
  return found->second;
}

}  // namespace cross4d::p4transformer
