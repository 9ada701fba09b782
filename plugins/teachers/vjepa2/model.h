// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/vit/load.h"

#include <filesystem>

namespace vjepa2 {

/// From which grid the rotary positions of the tokens are read.
enum class PositionGrid {
  kInput,  ///< that of the input: the original repository's rule
  kCrop,   ///< crop_size / patch_size of the configuration, whatever the input: transformers' rule
};

/// The encoder of V-JEPA 2, from a Hugging Face folder (configuration in `folder`) or from the
/// original repository's tensors (sizes read from the tensors). Error(kInput) when they do not fit;
/// V-JEPA 2.1 is refused.
cross4d::vit::VisionTransformer LoadModel(cross4d::vit::WeightSource source,
                                          const std::filesystem::path& folder,
                                          PositionGrid grid,
                                          const cross4d::vit::Placement& placement);

}  // namespace vjepa2
