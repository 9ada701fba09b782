// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/option.h>

#include <cstdint>
#include <string>

namespace cross4d::p4transformer_seg {

/// Options of the student. The defaults are the official ones for HOI4D.
struct Options {
  double radius = 0.9;
  std::int64_t neighbours = 32;
  bool skip_near_origin = true;
  bool normalize = false;
  std::int64_t width = 32;
  std::int64_t depth = 2;
  std::int64_t heads = 4;
  std::int64_t dim_head = 256;
  std::int64_t mlp = 1024;
  double dropout = 0;
  std::string weights;
};

OptionTable<Options> DescribeOptions();

}  // namespace cross4d::p4transformer_seg
