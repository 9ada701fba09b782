// SPDX-License-Identifier: Apache-2.0
#include "options.h"

namespace cross4d::p4transformer {
namespace {

void SetNtu(Options& o) {
  o.radius = 0.1;
  o.normalize = true;
  o.depth = 10;
  o.dim_head = 256;
  o.dropout = 0.05;
}

void SetPstSmall(Options& o) {
  o.radius = 0.3;
  o.dim = 80;
  o.heads = 2;
  o.dim_head = 40;
  o.mlp = 160;
}

void AddTokenizerOptions(OptionTable<Options>& t) {
  t.Add("radius", &Options::radius, "Radius of the ball query, in units of the (normalised) clip.")
      .Range(1e-6, 1e6)
      .Tokenizer();
  t.Add("neighbours", &Options::neighbours, "Neighbours of an anchor in each of its three frames.")
      .Range(1, 512)
      .Tokenizer();
  t.Add("spatial_stride",
        &Options::spatial_stride,
        "Points per anchor: a frame of N points has N / spatial_stride tokens.")
      .Range(1, 16384)
      .Tokenizer();
  t.Add("pooling",
        &Options::pooling,
        "official, or finer: half the spatial stride, twice the tokens (paper, Table 20).")
      .Choices({"official", "finer"})
      .Tokenizer();
  t.Add("skip_near_origin",
        &Options::skip_near_origin,
        "As the official kernel: points with x^2 + y^2 + z^2 <= 0.001 become no anchors.")
      .Tokenizer();
  t.Add("normalize",
        &Options::normalize,
        "Centre the clip on its centroid and divide by its greatest radius first.")
      .Tokenizer();
}

OptionTable<Options> Make() {
  OptionTable<Options> t;
  AddTokenizerOptions(t);
  t.Add("dim", &Options::dim, "Width of the transformer and of a token.").Range(1, 8192);
  t.Add("depth", &Options::depth, "Transformer layers.").Range(0, 64);
  t.Add("heads", &Options::heads, "Attention heads.").Range(1, 64);
  t.Add("dim_head", &Options::dim_head, "Width of an attention head.").Range(1, 1024);
  t.Add("mlp", &Options::mlp, "Hidden width of the feed-forward part.").Range(1, 16384);
  t.Add("dropout", &Options::dropout, "Share of activations dropped in training.").Range(0, 0.95);
  t.Add("final_layer_norm",
        &Options::final_layer_norm,
        "LayerNorm after the last layer (paper, Table 20); the official encoder has none.");
  t.Add("weights",
        &Options::weights,
        "Checkpoint with the official code's names to start from; empty: random weights. The path "
        "is part of the key.");
  t.Add("fused",
        &Options::fused,
        "Fused point convolution on the CPU; off: the plain composition, equal up to rounding.")
      .Runtime();
  t.Preset("msr", "The official sizes for MSR-Action3D, 42.0 M parameters.", [](Options&) {});
  t.Preset("ntu", "The official sizes for NTU RGB+D, 125.9 M parameters.", SetNtu);
  t.Preset(
      "pst-small", "The sizes of PST-Transformer's small model for MSR-Action3D.", SetPstSmall);
  return t;
}

}  // namespace

OptionTable<Options> DescribeOptions() { return Make(); }

}  // namespace cross4d::p4transformer
