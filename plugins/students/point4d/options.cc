// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <cross4d/sdk/error.h>

namespace cross4d::point4d {
namespace {

void SetC(Options& o) {
  o.k = {8, 8};
  o.widths1 = {32, 64};
  o.widths2 = {128, 256};
  o.position_width = 256;
  o.depth = 3;
  o.attention = "divided";
}

void SetB1(Options& o) {
  o.k = {16, 8};
  o.widths1 = {32, 32, 64};
  o.widths2 = {128, 256};
  o.position_width = 256;
}

void SetQuickstart(Options& o) {
  o.centroids = {64, 32};
  o.k = {10, 6};
  o.widths1 = {32, 48};
  o.widths2 = {64, 96};
  o.absolute_xyz = true;
  o.position = "xyzt";
  o.position_width = 96;
  o.dim = 96;
  o.depth = 2;
  o.ffn = 192;
}

void CheckPair(const char* name, std::size_t size) {
  if (size == 2) return;
  FailInput("point4d: option " + std::string(name) + " has " + std::to_string(size) +
            " values, expected 2: one for each set abstraction");
}

void CheckWidths(const char* name, const std::vector<std::int64_t>& widths) {
  if (widths.size() >= 2) return;
  FailInput("point4d: option " + std::string(name) + " has " + std::to_string(widths.size()) +
            " values, expected at least 2 layers");
}

}  // namespace

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("centroids", &Options::centroids, "Centroids per frame of the two set abstractions.")
      .Range(1, 16384)
      .Tokenizer();
  t.Add("k", &Options::k, "Neighbours per centroid of the two set abstractions.")
      .Range(1, 512)
      .Tokenizer();
  t.Add("widths1", &Options::widths1, "Layer widths of the first set abstraction.").Range(1, 4096);
  t.Add("widths2", &Options::widths2, "Layer widths of the second set abstraction.").Range(1, 4096);
  t.Add("relative_scale",
        &Options::relative_scale,
        "Factors on coordinates relative to the centroid, one per set abstraction.")
      .Range(1e-3, 1e3);
  t.Add("absolute_xyz",
        &Options::absolute_xyz,
        "The first set abstraction sees absolute coordinates beside the relative ones.");
  t.Add("normalize",
        &Options::normalize,
        "Centre the clip on its centroid and divide by its greatest radius.");
  t.Add("position",
        &Options::position,
        "Token position: MLP of the centre plus a learned time table, or MLP of centre and time.")
      .Choices({"xyz", "xyzt"});
  t.Add("position_width", &Options::position_width, "Hidden width of the position MLP.")
      .Range(1, 4096);
  t.Add("time_rows", &Options::time_rows, "Rows of the time table (position = xyz); most frames.")
      .Unit("frames")
      .Range(1, 4096);
  t.Add("dim", &Options::dim, "Width of the transformer and of a token.").Range(1, 4096);
  t.Add("depth", &Options::depth, "Transformer layers.").Range(0, 64);
  t.Add("heads", &Options::heads, "Attention heads.").Range(1, 64);
  t.Add("ffn", &Options::ffn, "Hidden width of the transformer's feed-forward part.")
      .Range(1, 16384);
  t.Add("attention",
        &Options::attention,
        "Over all tokens of the clip, or divided: over time per slot, then within each frame.")
      .Choices({"joint", "divided"});
  t.Add("final_norm", &Options::final_norm, "LayerNorm after the last layer.");
  t.Add("fused",
        &Options::fused,
        "Fused set abstraction on the CPU; off: the plain composition, equal up to rounding.")
      .Runtime();
  t.Preset("A", "The paper's student, 3.28 M parameters.", [](Options&) {});
  t.Preset("paper", "Another name of A.", [](Options&) {});
  t.Preset("B1", "Thin set abstractions: 11.5 GFLOP with linear layers counted.", SetB1);
  t.Preset("C", "Divided attention: 11.5 GFLOP all in.", SetC);
  t.Preset("quickstart", "171 k parameters, for small clips on a CPU.", SetQuickstart);
  t.Divides("heads", "dim");
  return t;
}

void CheckOptions(const Options& o) {
  CheckPair("centroids", o.centroids.size());
  CheckPair("k", o.k.size());
  CheckPair("relative_scale", o.relative_scale.size());
  CheckWidths("widths1", o.widths1);
  CheckWidths("widths2", o.widths2);
}

}  // namespace cross4d::point4d
