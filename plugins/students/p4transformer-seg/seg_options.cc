// SPDX-License-Identifier: Apache-2.0
#include "seg_options.h"

namespace cross4d::p4transformer_seg {

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("radius",
        &Options::radius,
        "Radius of the first level's ball query, in units of the (normalised) clip; the next "
        "levels' are 2, 4 and 8 times as great.")
      .Range(1e-6, 1e6)
      .Tokenizer();
  t.Add("neighbours", &Options::neighbours, "Neighbours of an anchor in each frame that it sees.")
      .Range(1, 512)
      .Tokenizer();
  t.Add("skip_near_origin",
        &Options::skip_near_origin,
        "As the official kernel: points with x^2 + y^2 + z^2 <= 0.001 become no anchors.")
      .Tokenizer();
  t.Add("normalize",
        &Options::normalize,
        "Centre the clip on its centroid and divide by its greatest radius first.")
      .Tokenizer();
  t.Add("width",
        &Options::width,
        "Channels of the first layer; all others are multiples: a token has 4, the transformer 32 "
        "times as many.")
      .Range(1, 256);
  t.Add("depth", &Options::depth, "Transformer layers.").Range(0, 64);
  t.Add("heads", &Options::heads, "Attention heads.").Range(1, 64);
  t.Add("dim_head", &Options::dim_head, "Width of an attention head.").Range(1, 1024);
  t.Add("mlp", &Options::mlp, "Hidden width of the feed-forward part.").Range(1, 16384);
  t.Add("dropout", &Options::dropout, "Share of activations dropped in training.").Range(0, 0.95);
  t.Add("weights",
        &Options::weights,
        "Checkpoint with the official code's names to start from; empty: random weights. The path "
        "is part of the key.");
  return t;
}

}  // namespace cross4d::p4transformer_seg
