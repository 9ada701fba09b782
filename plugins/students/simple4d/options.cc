// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <cross4d/sdk/error.h>

#include <string>

namespace cross4d::simple4d {

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("grid", &Options::grid, "Cells per side of the voxel grid; a multiple of 8.")
      .Range(8, 128)
      .Tokenizer();
  t.Add("widths", &Options::widths, "Channels of the three convolutions; multiples of 8.")
      .Range(8, 4096);
  t.Add("dim", &Options::dim, "Width of the transformer and of a token.").Range(1, 4096);
  t.Add("depth", &Options::depth, "Transformer layers.").Range(0, 64);
  t.Add("heads", &Options::heads, "Attention heads.").Range(1, 64);
  t.Add("ffn", &Options::ffn, "Hidden width of the transformer's feed-forward part.")
      .Range(1, 16384);
  t.Add("time_rows", &Options::time_rows, "Rows of the learned time table; most frames.")
      .Unit("frames")
      .Range(1, 4096);
  t.Divides("heads", "dim");
  return t;
}

void CheckOptions(const Options& o) {
  if (o.grid % 8 != 0) {
    FailInput("simple4d: option grid is " + std::to_string(o.grid) +
              ", expected a multiple of 8: three convolutions halve it");
  }
  if (o.widths.size() != 3) {
    FailInput("simple4d: option widths has " + std::to_string(o.widths.size()) +
              " values, expected 3: one for each convolution");
  }
  for (const std::int64_t width : o.widths) {
    if (width % 8 == 0) continue;
    FailInput("simple4d: option widths has " + std::to_string(width) +
              ", expected multiples of 8, the groups of the normalisation");
  }
}

std::int64_t TokensPerSide(const Options& options) { return options.grid / 8; }

}  // namespace cross4d::simple4d
