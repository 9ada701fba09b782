// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "simple4d.h"

namespace {

using cross4d::simple4d::DescribeOptions;
using cross4d::simple4d::Simple4d;

}  // namespace

CROSS4D_PLUGIN(student,
               Student,
               "simple4d",
               "1.0.0",
               "Voxel grids, three convolutions and a small transformer (Simple4D).",
               "tokens,maskable",
               "",
               Simple4d,
               DescribeOptions)
