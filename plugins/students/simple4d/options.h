// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/option.h>

#include <cstdint>
#include <vector>

namespace cross4d::simple4d {

/// Options of the student.
struct Options {
  std::int64_t grid = 16;
  std::vector<std::int64_t> widths = {32, 64, 128};
  std::int64_t dim = 256;
  std::int64_t depth = 2;
  std::int64_t heads = 4;
  std::int64_t ffn = 256;
  std::int64_t time_rows = 32;
};

OptionTable<Options> DescribeOptions();

/// What the table's rows cannot say. Throws Error(kInput).
void CheckOptions(const Options& options);

/// Cells per side of the coarse grid whose cells are the tokens.
std::int64_t TokensPerSide(const Options& options);

}  // namespace cross4d::simple4d
