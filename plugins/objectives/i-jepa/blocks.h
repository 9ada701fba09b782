// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/pretext/tokens.h"

#include <torch/types.h>

#include <cstdint>

namespace cross4d::i_jepa {

/// Sizes of the parts that one step hides; all clips of a batch have the same.
struct BlockSizes {
  std::int64_t tubes = 0;
  std::int64_t per_frame = 0;  ///< tokens of a tube in one frame
  std::int64_t frames = 0;     ///< frames of a tube
  double context_share = 0;    ///< of the tokens outside all tubes
};

struct Blocks {
  torch::Tensor targets;  ///< [B, tubes, frames * per_frame] int64, rising
  torch::Tensor context;  ///< [B, c] int64, rising
};

/// A tube: a token drawn at random, and in each frame of a random span around it the tokens nearest
/// to its centre. Context: of the tokens outside all tubes the given share, drawn at random, as
/// many in each clip as in the fullest one. At least 1/16 of all tokens; if the tubes leave fewer,
/// tokens of the tubes fill it up.
Blocks DrawBlocks(const torch::Tensor& centres,
                  const pretext::TokenLayout& layout,
                  const BlockSizes& sizes,
                  RandomStream& random);

}  // namespace cross4d::i_jepa
