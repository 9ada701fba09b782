// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "dt4d_animals.h"

namespace {

using cross4d::dt4d_animals::DescribeOptions;
using cross4d::dt4d_animals::Dt4dAnimals;

}  // namespace

CROSS4D_PLUGIN(dataset,
               Dataset,
               "dt4d-animals",
               "1.0.0",
               "DeformingThings4D: animations of 59 animals as points on their surface.",
               "correspondence",
               "",
               Dt4dAnimals,
               DescribeOptions)
