// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/plugin.h>

#include "point_folder.h"

namespace {

using cross4d::point_folder::DescribeOptions;
using cross4d::point_folder::PointFolder;

}  // namespace

CROSS4D_PLUGIN(dataset,
               Dataset,
               "point-folder",
               "1.0.0",
               "Your own point-cloud videos: a folder per data set, a table of clips, no C++.",
               "part-labels",
               "",
               PointFolder,
               DescribeOptions)
