// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/option.h>

#include <cstdint>
#include <string>

namespace cross4d::p4transformer {

/// Options of the student. The defaults are the official ones for MSR-Action3D.
struct Options {
  double radius = 0.7;
  std::int64_t neighbours = 32;
  std::int64_t spatial_stride = 32;
  std::string pooling = "official";
  bool skip_near_origin = true;
  bool normalize = false;
  std::int64_t dim = 1024;
  std::int64_t depth = 5;
  std::int64_t heads = 8;
  std::int64_t dim_head = 128;
  std::int64_t mlp = 2048;
  double dropout = 0;
  bool final_layer_norm = false;
  std::string weights;
  bool fused = true;
};

OptionTable<Options> DescribeOptions();

}  // namespace cross4d::p4transformer
