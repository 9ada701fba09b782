// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/vit/config_file.h"
#include "core/vit/transformer.h"
#include "core/vit/weights.h"

#include <string>
#include <vector>

namespace cross4d::vit {

/// Where a family keeps the tensors of one block, below the block's own prefix. A name stands for
/// NAME.weight and NAME.bias unless it says otherwise; empty = the family has none.
struct BlockNames {
  std::string norm1, norm2;
  std::string query, key, value;  ///< three matrices …
  std::string qkv;                ///< … or one, rows query, key, value
  /// Full names of bias vectors that do not follow the rule (VideoMAE's q_bias, v_bias).
  std::string query_bias, value_bias;
  std::string out;
  std::string scale1, scale2;  ///< full names of LayerScale's vectors
  std::string gate, up, down;  ///< gated: `up` alone holds rows gate, up when `gate` is empty
};

/// Which linear layers have a bias; a missing one counts as zero.
struct BlockBiases {
  bool query = true, key = true, value = true, out = true, mlp = true;
};

/// How weights are held.
struct Placement {
  at::ScalarType dtype = at::kFloat;  ///< of the blocks' linear layers: float32 or bfloat16
  at::Device device = at::kCPU;
};

/// The value of "hidden_act": "gelu" or "silu"; anything else is an Error, never a substitute.
Activation ReadActivation(const ConfigFile& config);
/// Error(kInput) unless `key` says 3 (the default).
void RequireThreeChannels(const ConfigFile& config, const std::string& key);

/// One block: query, key and value fused, LayerScale folded into the layer before it. Tensor by
/// tensor, so that at most one of them is in memory twice.
Block LoadBlock(WeightReader& reader,
                const Architecture& architecture,
                const std::string& prefix,
                const BlockNames& names,
                const BlockBiases& biases,
                const Placement& placement);

Norm LoadNorm(WeightReader& reader,
              const std::string& name,
              const Architecture& architecture,
              const Placement& placement);

/// All of them: `before`0., `before`1., …
std::vector<Block> LoadBlocks(WeightReader& reader,
                              const Architecture& architecture,
                              const std::string& before,
                              const BlockNames& names,
                              const BlockBiases& biases,
                              const Placement& placement);

/// The patch convolution `name` [D, 3, (tubelet,) patch, patch] as a linear layer, in float32.
Linear LoadPatches(WeightReader& reader,
                   const std::string& name,
                   const Architecture& architecture,
                   const Placement& placement);

}  // namespace cross4d::vit
