// SPDX-License-Identifier: Apache-2.0
// The counter on the students, against sums by hand: the efficiency table's figures. 2 FLOP per
// multiply-add, 24 frames of 2048 points.
#include "core/eval/efficiency.h"
#include "core/eval/flops.h"

#include <gtest/gtest.h>

#include <array>

#include "plugins/students/p4transformer-seg/p4transformer_seg.h"
#include "plugins/students/p4transformer/p4transformer.h"
#include "plugins/students/point4d/point4d.h"
#include "plugins/students/simple4d/simple4d.h"

namespace cross4d {
namespace {

constexpr std::int64_t kFrames = 24, kPoints = 2048;

StudentInput OneClip(const Student& student) {
  torch::manual_seed(1);
  const torch::Tensor clip = torch::randn({kFrames, kPoints, 3});
  const TokenGeometry g = student.Tokenize(clip);
  StudentInput input{clip.unsqueeze(0), g.centres.unsqueeze(0), g.frames.unsqueeze(0), {}};
  for (const auto& [name, tensor] : g.extra) input.extra[name] = tensor.unsqueeze(0);
  return input;
}

eval::StudentCost CostOf(Student& student) {
  return eval::CountCost(student, OneClip(student), true);
}

point4d::Options Point4dPreset(const std::string& preset, bool fused) {
  return point4d::DescribeOptions().Read({{"preset", preset}, {"fused", fused}});
}

TEST(Cost, Point4dA) {
  const double first = 24.0 * 256 * 32 * (3 * 64 + 64 * 64 + 64 * 128);
  const double second = 24.0 * 64 * 32 * (131.0 * 128 + 128 * 128 + 128 * 256);
  const double positions = 1536.0 * (3 * 128 + 128 * 256);
  const double linear = 4 * 1536.0 * (4 * 256 * 256 + 2 * 256 * 1024);
  const double attention = 4 * 2.0 * 1536 * 1536 * 256;
  const double embed = 2 * (first + second + positions);
  for (const bool fused : {true, false}) {
    point4d::Point4d student(Point4dPreset("A", fused), {});
    const eval::StudentCost cost = CostOf(student);
    EXPECT_EQ(cost.parameters, 3281984);
    EXPECT_DOUBLE_EQ(cost.flops_embed, embed) << fused;
    EXPECT_DOUBLE_EQ(cost.flops_without_attention, embed + 2 * linear);
    EXPECT_DOUBLE_EQ(cost.flops, embed + 2 * (linear + attention));
    EXPECT_NEAR(cost.flops_embed, 11.489e9, 5e5);
    EXPECT_NEAR(cost.flops_without_attention, 21.153e9, 5e5);
    EXPECT_NEAR(cost.flops, 30.817e9, 5e5);
  }
}

TEST(Cost, Point4dB1AndC) {
  point4d::Point4d b1(Point4dPreset("B1", true), {});
  EXPECT_NEAR(CostOf(b1).flops_without_attention, 11.506e9, 5e5);
  // Attention over 24 frames of a slot and 64 slots of a frame: short forms, fused.
  for (const bool fused : {true, false}) {
    point4d::Point4d c(Point4dPreset("C", fused), {});
    EXPECT_NEAR(CostOf(c).flops, 11.509e9, 5e5);
  }
}

TEST(Cost, P4Transformer) {
  const double tubes = 2.0 * 768 * 96 * 4 * 1024, positions = 2.0 * 768 * 4 * 1024;
  const double linear = 5 * 2.0 * 768 * (4 * 1024 * 1024 + 2 * 1024 * 2048);
  const double attention = 5 * 4.0 * 768 * 768 * 1024;
  for (const bool fused : {true, false}) {
    p4transformer::Options options;
    options.fused = fused;
    p4transformer::P4Transformer student(options, {});
    const eval::StudentCost cost = CostOf(student);
    EXPECT_EQ(cost.parameters, 41993216);
    EXPECT_DOUBLE_EQ(cost.flops_embed, tubes + positions) << fused;
    EXPECT_DOUBLE_EQ(cost.flops_without_attention, tubes + positions + linear);
    EXPECT_DOUBLE_EQ(cost.flops, tubes + positions + linear + attention);
    EXPECT_NEAR(cost.flops, 77.114e9, 1e6);
  }
}

TEST(Cost, P4TransformerSeg) {
  const std::array<double, 5> points = {2048, 512, 128, 32, 16};
  const std::array<double, 4> in = {3, 128, 256, 512}, seen = {1, 1, 3, 1};
  const double widths[4][3] = {{32, 64, 128}, {128, 128, 256}, {256, 256, 512}, {512, 512, 1024}};
  const double up[4][2] = {{128, 128}, {256, 128}, {256, 256}, {1024, 256}};  // in, out
  double convolutions = 0;
  for (int l = 0; l < 4; ++l) {
    const auto [a, b, c] = widths[l];
    // The layer of the features runs on the points below, the others on grouped rows.
    convolutions +=
        24 * (points[l] * in[l] * a + seen[l] * points[l + 1] * 32 * (4 * a + a * b + b * c));
    const auto [from, to] = up[l];
    convolutions += 24 * (points[l + 1] * from * to + points[l] * (in[l] * to + to * to));
  }
  const double linear = 2 * 384.0 * 6 * 1024 * 1024, attention = 2 * 2.0 * 384 * 384 * 1024;
  p4transformer_seg::P4TransformerSeg student(p4transformer_seg::Options(), {});
  const eval::StudentCost cost = eval::CountCost(student, OneClip(student), false);
  EXPECT_EQ(cost.parameters, 14754144);
  EXPECT_DOUBLE_EQ(cost.flops_without_attention, 2 * (convolutions + linear));
  EXPECT_DOUBLE_EQ(cost.flops, 2 * (convolutions + linear + attention));
  EXPECT_NEAR(cost.flops, 82.994e9, 1e6);
}

TEST(Cost, Simple4d) {
  const double convolutions =
      24 * (512.0 * 32 * 4 * 27 + 64.0 * 64 * 32 * 27 + 8.0 * 128 * 64 * 27);
  const double project = 192.0 * 128 * 256;
  const double linear = 2 * 192.0 * (4 * 256 * 256 + 2 * 256 * 256);
  const double attention = 2 * 2.0 * 192 * 192 * 256;
  simple4d::Simple4d student(simple4d::Options(), {});
  const eval::StudentCost cost = CostOf(student);
  EXPECT_DOUBLE_EQ(cost.flops_embed, 2 * (convolutions + project));
  EXPECT_DOUBLE_EQ(cost.flops, 2 * (convolutions + project + linear + attention));
}

}  // namespace
}  // namespace cross4d
