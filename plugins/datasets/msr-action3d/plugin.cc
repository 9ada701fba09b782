// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "msr_action3d.h"

namespace {

using cross4d::msr_action3d::DescribeOptions;
using cross4d::msr_action3d::MsrAction3d;

}  // namespace

CROSS4D_PLUGIN(dataset,
               Dataset,
               "msr-action3d",
               "1.0.0",
               "MSR-Action3D: 567 Kinect depth videos, 20 actions, 10 subjects.",
               "",
               "",
               MsrAction3d,
               DescribeOptions)
