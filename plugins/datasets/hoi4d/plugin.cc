// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "hoi4d.h"

namespace {

using cross4d::hoi4d::DescribeOptions;
using cross4d::hoi4d::Hoi4d;

}  // namespace

CROSS4D_PLUGIN(dataset,
               Dataset,
               "hoi4d",
               "1.0.0",
               "HOI4D: 2,971 egocentric sequences of hands with objects, points labelled.",
               "part-labels",
               "",
               Hoi4d,
               DescribeOptions)
