// SPDX-License-Identifier: Apache-2.0
// The precompiled header of every unit that uses LibTorch (about 40 s once instead of per unit).
// Narrow on purpose: what GCC instantiates for these headers it instantiates again in every unit. A
// unit that needs more (an optimiser, custom autograd, <torch/nn.h>) includes it itself.
#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>
