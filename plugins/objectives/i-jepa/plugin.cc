// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "i_jepa.h"

namespace {

using cross4d::i_jepa::DescribeOptions;
using cross4d::i_jepa::IJepa;

}  // namespace

CROSS4D_PLUGIN(objective,
               Objective,
               "i-jepa",
               "1.0.0",
               "Hidden tubes of tokens, predicted in a momentum teacher's features (i-JEPA).",
               "",
               "maskable",
               IJepa,
               DescribeOptions)
