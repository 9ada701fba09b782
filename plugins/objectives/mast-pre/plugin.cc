// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "mast_pre.h"

namespace {

using cross4d::mast_pre::DescribeOptions;
using cross4d::mast_pre::MastPre;

}  // namespace

CROSS4D_PLUGIN(objective,
               Objective,
               "mast-pre",
               "1.0.0",
               "Points around hidden tokens and how they move, from a quarter of them (MaST-Pre).",
               "",
               "maskable",
               MastPre,
               DescribeOptions)
