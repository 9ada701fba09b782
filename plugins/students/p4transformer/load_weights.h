// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>

#include <string>

namespace cross4d::p4transformer {

/// Fills the encoder's parameters and BatchNorm's statistics from a checkpoint of the official
/// code: names as in its state dict, with or without `model.` and DataParallel's `module.` before
/// them. `anchor` is a tensor that every such checkpoint has; `head` is the classifier, passed
/// over. Error(kInput) that names file and tensor: one is missing, has another shape, or is left
/// over.
void LoadOfficialWeights(torch::nn::Module& encoder,
                         const std::string& path,
                         const std::string& anchor,
                         const std::string& head);

}  // namespace cross4d::p4transformer
