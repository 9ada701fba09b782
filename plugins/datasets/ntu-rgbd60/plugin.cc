// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "ntu_rgbd60.h"

namespace {

using cross4d::ntu_rgbd60::DescribeOptions;
using cross4d::ntu_rgbd60::NtuRgbd60;

}  // namespace

CROSS4D_PLUGIN(dataset,
               Dataset,
               "ntu-rgbd60",
               "1.0.0",
               "NTU RGB+D 60: 56,880 Kinect 2 depth videos, 60 actions, 40 subjects.",
               "",
               "",
               NtuRgbd60,
               DescribeOptions)
