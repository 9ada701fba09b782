// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>

#include <string>

namespace cross4d::p4transformer {

/// Fills the encoder's parameters from a checkpoint of the official code: names as in its state
/// dict, with or without `model.` and DataParallel's `module.` before them; the classifier's
/// mlp_head is passed over. Error(kInput) that names file and tensor: one is missing, has another
/// shape, or is left over.
void LoadOfficialWeights(torch::nn::Module& encoder, const std::string& path);

}  // namespace cross4d::p4transformer
