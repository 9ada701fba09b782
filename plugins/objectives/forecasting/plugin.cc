// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "forecasting.h"

namespace {

using cross4d::forecasting::DescribeOptions;
using cross4d::forecasting::Forecasting;

}  // namespace

CROSS4D_PLUGIN(objective,
               Objective,
               "forecasting",
               "1.0.0",
               "The teacher's embedding of a later frame, per camera (paper, Table 19).",
               "",
               "maskable,frame-targets",
               Forecasting,
               DescribeOptions)
