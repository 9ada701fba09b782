// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "vicreg.h"

namespace {

using cross4d::vicreg::DescribeOptions;
using cross4d::vicreg::Vicreg;

}  // namespace

CROSS4D_PLUGIN(objective,
               Objective,
               "vicreg",
               "1.0.0",
               "Variance, invariance, covariance between two views of a clip (VICReg).",
               "",
               "",
               Vicreg,
               DescribeOptions)
