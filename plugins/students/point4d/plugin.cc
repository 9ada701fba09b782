// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "point4d.h"

namespace {

using cross4d::point4d::DescribeOptions;
using cross4d::point4d::Point4d;

}  // namespace

CROSS4D_PLUGIN(student,
               Student,
               "point4d",
               "1.0.0",
               "Per-frame set abstractions and a transformer over all tokens (Point4D).",
               "tokens,maskable",
               "",
               Point4d,
               DescribeOptions)
