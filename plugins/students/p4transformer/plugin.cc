// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "p4transformer.h"

namespace {

using cross4d::p4transformer::DescribeOptions;
using cross4d::p4transformer::P4Transformer;

}  // namespace

CROSS4D_PLUGIN(student,
               Student,
               "p4transformer",
               "1.0.0",
               "One point 4D convolution and a transformer over its tokens (P4Transformer).",
               "tokens,maskable",
               "",
               P4Transformer,
               DescribeOptions)
