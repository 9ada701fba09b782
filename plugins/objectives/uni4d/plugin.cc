// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "uni4d.h"

namespace {

using cross4d::uni4d::DescribeOptions;
using cross4d::uni4d::Uni4d;

}  // namespace

CROSS4D_PLUGIN(objective,
               Objective,
               "uni4d",
               "1.0.0",
               "Geometry, latent features, clip and motion contrast of hidden tokens (Uni4D).",
               "",
               "maskable",
               Uni4d,
               DescribeOptions)
