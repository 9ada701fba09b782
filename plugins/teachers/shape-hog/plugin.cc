// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "shape_hog.h"

namespace {

using cross4d::shape_hog::DescribeOptions;
using cross4d::shape_hog::ShapeHog;

}  // namespace

CROSS4D_PLUGIN(
    teacher,
    Teacher,
    "shape-hog",
    "1.0.0",
    "Hand-made shape and motion features with random ReLU units; no weights, no download.",
    "frame-tokens",
    "",
    ShapeHog,
    DescribeOptions)
