// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "synthetic4d.h"

namespace {

using cross4d::synthetic4d::DescribeOptions;
using cross4d::synthetic4d::Synthetic4D;

}  // namespace

CROSS4D_PLUGIN(dataset,
               Dataset,
               "synthetic4d",
               "1.0.0",
               "Procedural articulated bodies before a depth camera; made in code, no download.",
               "part-labels,correspondence",
               "",
               Synthetic4D,
               DescribeOptions)
