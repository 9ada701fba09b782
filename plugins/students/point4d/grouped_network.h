// SPDX-License-Identifier: Apache-2.0
// Inside point4d only: the state that GroupedMlp's forward and backward pass share.
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "grouped_loops.h"

namespace cross4d::point4d {

/// What BatchNorm does to a layer's linear output z (bias left out): y = z * scale + shift.
struct Norm {
  torch::Tensor mean, inverse, scale, shift;  // [C]; inverse = 1 / sqrt(variance + eps)
};

struct Layer {
  torch::Tensor weight, bias, gamma, beta;
  Norm norm;
  torch::Tensor z;  // middle layers: linear output of all rows, or of one chunk
};

/// The state of one pass, shared by forward and backward.
struct Network {
  torch::Tensor points, centres, rows;
  std::int64_t k = 0, groups = 0, groups_per_clip = 0;
  bool batch_statistics = false;
  std::vector<Layer> layers;
  torch::Tensor extreme, extreme_row;  // [G, C], of the last layer

  std::int64_t last() const { return static_cast<std::int64_t>(layers.size()) - 1; }
  std::int64_t channels(std::int64_t l) const { return layers[l].gamma.size(0); }
  double row_count() const { return static_cast<double>(groups * k); }

  GroupedPoints Grouped() const {
    return {points.data_ptr<float>(),
            centres.data_ptr<float>(),
            rows.data_ptr<std::int32_t>(),
            k,
            points.size(1)};
  }

  /// Groups per chunk of layer l: input and output of a chunk stay in the second-level cache.
  std::int64_t ChunkGroups(std::int64_t l) const {
    constexpr std::int64_t kChunkFloats = 96 * 1024;
    const std::int64_t chunk_rows = kChunkFloats / (channels(l - 1) + channels(l));
    return std::clamp<std::int64_t>(chunk_rows / k, 1, groups_per_clip);
  }

  /// Calls body(first group, group after the last) for chunks that do not cross clips.
  template <class Body>
  void ForChunks(std::int64_t chunk, const Body& body) const {
    for (std::int64_t clip = 0; clip < groups; clip += groups_per_clip) {
      const std::int64_t end = std::min(clip + groups_per_clip, groups);
      for (std::int64_t g = clip; g < end; g += chunk) body(g, std::min(g + chunk, end));
    }
  }

  bool Stores(std::int64_t l) const { return layers[l].z.size(0) == groups * k; }
  float* StoredZ(std::int64_t l, std::int64_t group) const {
    return layers[l].z.data_ptr<float>() + (Stores(l) ? group * k * channels(l) : 0);
  }

  /// The activated output of layer l for some groups: what layer l + 1 reads.
  void ActivatedChunk(std::int64_t l, std::int64_t first, std::int64_t last, float* out) const {
    const float* scale = layers[l].norm.scale.data_ptr<float>();
    const float* shift = layers[l].norm.shift.data_ptr<float>();
    if (l == 0) {
      ActivateGroups(Grouped(), first, last, scale, shift, out);
    } else {
      Activate(StoredZ(l, first), (last - first) * k, channels(l), scale, shift, out);
    }
  }
};

/// Gradients of one layer's own tensors.
struct LayerGradient {
  torch::Tensor weight, bias, gamma, beta;
};

struct NetworkGradient {
  torch::Tensor points, centres;
  std::vector<LayerGradient> layers;
};

/// Backward pass from the gradient of the pooled output [G, C].
NetworkGradient RunBackward(Network& net, const torch::Tensor& d_pooled);

}  // namespace cross4d::point4d
