// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "utd_mhad.h"

namespace {

using cross4d::utd_mhad::DescribeOptions;
using cross4d::utd_mhad::UtdMhad;

}  // namespace

CROSS4D_PLUGIN(dataset,
               Dataset,
               "utd-mhad",
               "1.1.0",
               "UTD-MHAD: 861 Kinect depth videos, 27 actions, 8 subjects.",
               "part-labels",
               "",
               UtdMhad,
               DescribeOptions)
