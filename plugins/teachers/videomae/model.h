// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/vit/load.h"

#include <filesystem>

namespace videomae {

/// VideoMAE, or VideoMAEv2, from a Hugging Face folder (configuration in `folder`) or from the
/// original repository's tensors (sizes read from the tensors). Error(kInput) when they do not fit.
cross4d::vit::VisionTransformer LoadModel(cross4d::vit::WeightSource source,
                                          const std::filesystem::path& folder,
                                          const cross4d::vit::Placement& placement);

}  // namespace videomae
