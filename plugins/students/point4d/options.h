// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/option.h>

#include <cstdint>
#include <string>
#include <vector>

namespace cross4d::point4d {

/// Options of the student. The defaults are preset A ("paper").
struct Options {
  std::vector<std::int64_t> centroids = {256, 64};
  std::vector<std::int64_t> k = {32, 32};
  std::vector<std::int64_t> widths1 = {64, 64, 128};
  std::vector<std::int64_t> widths2 = {128, 128, 256};
  std::vector<double> relative_scale = {12, 4};
  bool absolute_xyz = false;
  bool normalize = true;
  std::string position = "xyz";
  std::int64_t position_width = 128;
  std::int64_t time_rows = 32;
  std::int64_t dim = 256;
  std::int64_t depth = 4;
  std::int64_t heads = 4;
  std::int64_t ffn = 1024;
  std::string attention = "joint";
  bool final_norm = true;
  bool fused = true;
};

OptionTable<Options> DescribeOptions();

/// What the table's rows cannot say: lists of two, and so on. Throws Error(kInput).
void CheckOptions(const Options& options);

}  // namespace cross4d::point4d
