// SPDX-License-Identifier: Apache-2.0
// The student's parts against plain compositions, its sizes, and awkward clips.
#include "plugins/students/point4d/point4d.h"

#include <cross4d/sdk/error.h>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "plugins/students/point4d/grouped_mlp.h"
#include "plugins/students/point4d/short_attention.h"
#include "plugins/students/point4d/tokenizer.h"

namespace cross4d::point4d {
namespace {

using torch::Tensor;

Options Preset(const std::string& name) { return DescribeOptions().Read({{"preset", name}}); }

/// Small enough to run many times; three layers in the first set abstraction, two in the second.
Options Small() {
  Options o = Preset("quickstart");
  o.centroids = {12, 6};
  o.k = {5, 4};
  o.widths1 = {8, 12, 20};
  o.widths2 = {16, 24};
  o.dim = 24;
  o.heads = 3;
  o.ffn = 32;
  return o;
}

std::int64_t CountParameters(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const Tensor& p : module.parameters()) count += p.numel();
  return count;
}

StudentInput Stack(const Student& student, const std::vector<Tensor>& clips) {
  std::vector<Tensor> centres, frames;
  std::map<std::string, std::vector<Tensor>> extra;
  for (const Tensor& clip : clips) {
    const TokenGeometry g = student.Tokenize(clip);
    centres.push_back(g.centres);
    frames.push_back(g.frames);
    for (const auto& [name, tensor] : g.extra) extra[name].push_back(tensor);
  }
  StudentInput input{at::stack(clips), at::stack(centres), at::stack(frames), {}};
  for (const auto& [name, list] : extra) input.extra[name] = at::stack(list);
  return input;
}

double Difference(const Tensor& a, const Tensor& b) {
  const double scale = std::max(1e-3, b.abs().max().item<double>());
  return (a - b).abs().max().item<double>() / scale;
}

TEST(Point4d, ParameterCounts) {
  EXPECT_EQ(CountParameters(Point4d(Preset("A"), {})), 3281984);  // 3.2820 M
  Options paper = Preset("paper");
  paper.time_rows = 24;
  paper.final_norm = false;
  EXPECT_EQ(CountParameters(Point4d(paper, {})), 3279424);  // 3.2794 M
  EXPECT_EQ(CountParameters(Point4d(Preset("B1"), {})), 3280608);
  EXPECT_EQ(CountParameters(Point4d(Preset("C"), {})), 3280768);
  EXPECT_EQ(CountParameters(Point4d(Preset("quickstart"), {})), 171408);
}

TEST(Point4d, TheTableIsSound) {
  EXPECT_THAT(CheckSchema(DescribeOptions().schema()), testing::IsEmpty());
  Options bad = Small();
  bad.k = {5};
  EXPECT_THROW(Point4d(bad, {}), Error);
  bad = Small();
  bad.widths2 = {24};
  EXPECT_THROW(Point4d(bad, {}), Error);
}

TEST(Point4d, ShapesOfEveryPreset) {
  for (const char* name : {"A", "B1", "C", "quickstart"}) {
    torch::manual_seed(1);
    const Options options = Preset(name);
    Point4d student(options, {});
    const StudentInput input = Stack(student, {torch::randn({2, 300, 3})});
    const std::int64_t tokens = 2 * options.centroids[1];
    const StudentOutput out = student.Forward(input);
    EXPECT_EQ(out.features.sizes(), (at::IntArrayRef{1, tokens, options.dim})) << name;
    EXPECT_EQ(out.centres.sizes(), (at::IntArrayRef{1, tokens, 3})) << name;
    EXPECT_TRUE(out.features.isfinite().all().item<bool>()) << name;
  }
}

TEST(Tokenizer, TokensAreInputPoints) {
  torch::manual_seed(2);
  const Tensor clip = torch::randn({3, 40, 3});
  const TokenGeometry g = TokenizeClip(clip, {12, 6}, {5, 4});
  ASSERT_EQ(g.centres.size(0), 18);
  for (std::int64_t i = 0; i < 18; ++i) {
    EXPECT_EQ(g.frames[i].item<std::int64_t>(), i / 6);
    EXPECT_TRUE(at::equal(g.centres[i], clip[i / 6][g.nearest[i].item<std::int64_t>()]));
  }
  EXPECT_EQ(g.extra.at("neighbours1").sizes(), (at::IntArrayRef{3, 12, 5}));
  EXPECT_EQ(g.extra.at("neighbours1").scalar_type(), at::kShort);
  // A centroid is its own nearest neighbour.
  EXPECT_TRUE(at::equal(g.extra.at("neighbours1").select(2, 0), g.extra.at("picks1")));
}

TEST(Tokenizer, RefusesBadClips) {
  EXPECT_THROW(TokenizeClip(torch::zeros({4, 3}), {2, 2}, {2, 2}), Error);
  EXPECT_THROW(TokenizeClip(torch::zeros({2, 0, 3}), {2, 2}, {2, 2}), Error);
  EXPECT_THROW(TokenizeClip(torch::zeros({2, 4, 3}, at::kDouble), {2, 2}, {2, 2}), Error);
  Tensor clip = torch::zeros({3, 4, 3});
  clip[1][2][0] = NAN;
  try {
    TokenizeClip(clip, {2, 2}, {2, 2});
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("frame 1, point 2"));
  }
}

/// Two set abstractions with the same weights, in their own copies.
struct Pair {
  SetAbstraction fused, plain;
};

Pair MakePair(const SetAbstractionShape& shape) {
  Pair pair{SetAbstraction(shape), SetAbstraction(shape)};
  const torch::NoGradGuard no_grad;
  auto theirs = pair.plain->named_parameters();
  for (auto& item : pair.fused->named_parameters()) {
    // Norms with both signs and uneven scales: the extremes need minima as well.
    if (item.key().starts_with("norm")) item.value().normal_();
    theirs[item.key()].copy_(item.value());
  }
  auto buffers = pair.plain->named_buffers();
  for (auto& item : pair.fused->named_buffers()) {
    if (item.value().is_floating_point()) item.value().uniform_(0.5, 1.5);
    buffers[item.key()].copy_(item.value());
  }
  return pair;
}

Grouping RandomGrouping(std::int64_t clips,
                        std::int64_t points,
                        std::int64_t groups,
                        std::int64_t k,
                        std::int64_t features) {
  Grouping in;
  in.xyz = torch::randn({clips * points, 3});
  if (features > 0) in.features = torch::randn({clips * points, features}).requires_grad_();
  std::vector<Tensor> picks, neighbours;
  for (std::int64_t c = 0; c < clips; ++c) {
    picks.push_back(torch::randint(points, {groups}, at::kInt) + static_cast<int>(c * points));
    neighbours.push_back(torch::randint(points, {groups, k}, at::kInt) +
                         static_cast<int>(c * points));
  }
  in.picks = at::cat(picks);
  in.neighbours = at::cat(neighbours);
  in.groups_per_clip = groups;
  return in;
}

/// The greatest relative difference and where it is.
struct Worst {
  double difference = 0;
  std::string where;

  void See(const std::string& name, const Tensor& got, const Tensor& want) {
    const double d = got.defined() ? Difference(got, want) : 1e9;
    if (!(d <= difference)) difference = d, where = name;
  }
};

/// A bias before BatchNorm with batch statistics has no effect: its gradient is 0, and rounding
/// noise in the plain form.
bool Cancels(const std::string& name) {
  return name.find("linear") != std::string::npos && name.ends_with("bias");
}

/// Output, gradients and BatchNorm statistics of one step.
Worst CompareOnce(const SetAbstractionShape& shape, const Grouping& in, bool train) {
  Pair pair = MakePair(shape);
  pair.fused->train(train);
  pair.plain->train(train);
  Grouping other = in;
  if (in.features.defined()) other.features = in.features.detach().clone().requires_grad_();
  const Tensor a = pair.fused->forward(in), b = pair.plain->ForwardPlain(other);
  Worst worst;
  worst.See("output", a, b);
  const Tensor upstream = torch::randn_like(b);
  a.backward(upstream);
  b.backward(upstream);
  auto theirs = pair.plain->named_parameters();
  for (const auto& item : pair.fused->named_parameters()) {
    const Tensor got = item.value().grad(), want = theirs[item.key()].grad();
    if (train && Cancels(item.key())) {
      // Measured against the gradient of the BatchNorm bias behind it.
      std::string norm = item.key();
      norm.replace(norm.find("linear"), 6, "norm");
      worst.See(item.key(), got + theirs[norm].grad(), theirs[norm].grad());
    } else {
      worst.See(item.key(), got, want);
    }
  }
  if (in.features.defined()) worst.See("features", in.features.grad(), other.features.grad());
  auto buffers = pair.plain->named_buffers();
  for (const auto& item : pair.fused->named_buffers()) {
    worst.See(item.key(), item.value().to(at::kFloat), buffers[item.key()].to(at::kFloat));
  }
  return worst;
}

/// Over a few draws: a value within rounding of a ReLU's corner, or two within rounding of a
/// maximum, may fall on either side, which moves a gradient by one element. It must be rare and
/// stay small.
void ExpectSame(const SetAbstractionShape& shape,
                const std::function<Grouping()>& draw,
                bool train) {
  Worst best{1e9, "nothing"};
  for (int seed = 0; seed < 4 && best.difference > 1e-4; ++seed) {
    torch::manual_seed(seed);
    const Worst worst = CompareOnce(shape, draw(), train);
    EXPECT_LT(worst.difference, 0.05) << worst.where;
    if (worst.difference < best.difference) best = worst;
  }
  EXPECT_LT(best.difference, 1e-4) << best.where;
}

TEST(SetAbstraction, FusedEqualsPlain) {
  const std::vector<std::vector<std::int64_t>> widths = {{8, 16}, {64, 64, 128}, {5, 11, 7, 33}};
  for (const auto& w : widths) {
    for (const bool train : {true, false}) {
      for (const std::int64_t features : {0, 9}) {
        SCOPED_TRACE(testing::Message()
                     << "layers " << w.size() << " train " << train << " features " << features);
        ExpectSame(
            {features, 4.0, features == 0, w},
            [&] { return RandomGrouping(3, 50, 70, 12, features); },
            train);
      }
    }
  }
}

TEST(SetAbstraction, OneRowGroupsAndOneGroup) {
  ExpectSame(
      {0, 2.0, true, {8, 16}}, [] { return RandomGrouping(2, 20, 30, 1, 0); }, true);
  ExpectSame(
      {0, 2.0, true, {8, 16}}, [] { return RandomGrouping(1, 20, 1, 6, 0); }, true);
}

TEST(SetAbstraction, NoGradGivesTheSameForward) {
  torch::manual_seed(4);
  Pair pair = MakePair({0, 4.0, true, {8, 16, 24}});
  const Grouping in = RandomGrouping(2, 40, 50, 8, 0);
  for (const bool train : {true, false}) {
    pair.fused->train(train);
    const Tensor with = pair.fused->forward(in).detach();
    const torch::NoGradGuard no_grad;
    EXPECT_TRUE(at::equal(with, pair.fused->forward(in)));
  }
}

TEST(ShortAttention, EqualsScaledDotProductAttention) {
  for (const std::int64_t tokens : {1, 7, 100, 256}) {
    torch::manual_seed(12);
    const std::int64_t heads = 3, c = 24;
    const Tensor a = (torch::randn({2, tokens, 3 * c}) * 3).requires_grad_();
    const Tensor b = a.detach().clone().requires_grad_();
    const Tensor split = b.view({2, tokens, 3, heads, c / heads}).permute({2, 0, 3, 1, 4});
    const Tensor want = at::scaled_dot_product_attention(split[0], split[1], split[2])
                            .transpose(1, 2)
                            .reshape({2, tokens, c});
    const Tensor got = ShortAttention(a, heads);
    EXPECT_LT(Difference(got, want), 1e-5) << tokens;
    const Tensor upstream = torch::randn_like(want);
    got.backward(upstream);
    want.backward(upstream);
    EXPECT_LT(Difference(a.grad(), b.grad()), 1e-5) << tokens;
    const torch::NoGradGuard no_grad;
    EXPECT_TRUE(at::equal(ShortAttention(a, heads), got)) << tokens;
  }
}

TEST(ShortAttention, FarApartScoresStayFinite) {
  const Tensor qkv = torch::full({1, 9, 24}, 60.0);
  qkv[0][4].fill_(-60);
  EXPECT_TRUE(ShortAttention(qkv, 1).isfinite().all().item<bool>());
}

/// All gradients of one step of a student, by name.
std::map<std::string, Tensor> Gradients(Point4d& student, const StudentInput& input) {
  student.zero_grad();
  torch::manual_seed(9);
  const Tensor out = student.Forward(input).features;
  (out * torch::randn_like(out)).sum().backward();
  std::map<std::string, Tensor> all;
  for (const auto& item : student.named_parameters()) all[item.key()] = item.value().grad().clone();
  return all;
}

TEST(Point4d, FusedStudentEqualsPlainStudent) {
  for (const char* attention : {"joint", "divided"}) {
    Options options = Small();
    options.attention = attention;
    options.centroids = {60, 40};  // 120 tokens: the short attention runs as well
    Worst best{1e9, "nothing"};
    for (int seed = 0; seed < 4 && best.difference > 2e-4; ++seed) {  // see ExpectSame
      options.fused = true;
      torch::manual_seed(seed);
      Point4d fused(options, {});
      options.fused = false;
      torch::manual_seed(seed);
      Point4d plain(options, {});
      const StudentInput input =
          Stack(fused, {torch::randn({3, 50, 3}), torch::randn({3, 50, 3}) * 7});
      Worst worst;
      worst.See("output", fused.Forward(input).features, plain.Forward(input).features);
      const auto got = Gradients(fused, input), want = Gradients(plain, input);
      for (const auto& [name, gradient] : want) {
        if (!Cancels(name)) worst.See(name, got.at(name), gradient);
      }
      EXPECT_LT(worst.difference, 0.05) << worst.where;
      if (worst.difference < best.difference) best = worst;
    }
    EXPECT_LT(best.difference, 2e-4) << best.where << ", attention " << attention;
  }
}

TEST(Point4d, EveryParameterGetsAGradientAndStepsAreRepeatable) {
  torch::manual_seed(6);
  Point4d student(Small(), {});
  const StudentInput input = Stack(student, {torch::randn({4, 60, 3}), torch::randn({4, 60, 3})});
  const auto once = Gradients(student, input), again = Gradients(student, input);
  for (const auto& [name, gradient] : once) {
    ASSERT_TRUE(gradient.defined()) << name;
    EXPECT_TRUE(at::equal(gradient, again.at(name))) << name;
  }
}

TEST(Point4d, InEvalModeAClipIsItsOwn) {
  torch::manual_seed(7);
  Point4d student(Small(), {});
  student.eval();
  const Tensor a = torch::randn({4, 60, 3}), b = torch::randn({4, 60, 3}) * 3;
  const torch::NoGradGuard no_grad;
  const Tensor alone = student.Forward(Stack(student, {a})).features[0];
  const Tensor together = student.Forward(Stack(student, {b, a, b})).features[1];
  EXPECT_TRUE(at::equal(alone, together));
}

TEST(Point4d, NormalizedClipsForgetUnitsAndPlace) {
  torch::manual_seed(8);
  Point4d student(Small(), {});
  student.eval();
  const Tensor clip = torch::randn({3, 60, 3});
  const torch::NoGradGuard no_grad;
  const Tensor here = student.Forward(Stack(student, {clip})).features;
  const StudentInput moved = Stack(student, {clip * 1000 + 200});
  EXPECT_LT(Difference(student.Forward(moved).features, here), 1e-3);
}

TEST(Point4d, AwkwardClips) {
  const std::vector<std::pair<const char*, Tensor>> clips = {
      {"one frame", torch::randn({1, 40, 3})},
      {"identical points", torch::full({3, 40, 3}, 0.7)},
      {"fewer points than centroids and neighbours", torch::randn({3, 3, 3})},
      {"one point", torch::randn({2, 1, 3})},
  };
  for (const auto& [what, clip] : clips) {
    SCOPED_TRACE(what);
    torch::manual_seed(10);
    Point4d student(Small(), {});
    // A batch of one clip in train mode: BatchNorm still sees many rows.
    const StudentInput input = Stack(student, {clip});
    const Tensor out = student.Forward(input).features;
    EXPECT_TRUE(out.isfinite().all().item<bool>());
    out.sum().backward();
    for (const auto& item : student.named_parameters()) {
      EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
    }
    student.eval();
    EXPECT_TRUE(student.Forward(input).features.isfinite().all().item<bool>());
  }
}

TEST(Point4d, TimeTableBoundsTheFrames) {
  Options options = Small();
  options.position = "xyz";
  options.time_rows = 3;
  torch::manual_seed(11);
  Point4d student(options, {});
  EXPECT_NO_THROW(student.Forward(Stack(student, {torch::randn({3, 20, 3})})));
  EXPECT_THROW(student.Forward(Stack(student, {torch::randn({4, 20, 3})})), Error);
}

TEST(Point4d, MissingIndicesAreNamed) {
  Point4d student(Small(), {});
  StudentInput input = Stack(student, {torch::randn({2, 20, 3})});
  input.extra.erase("picks2");
  try {
    student.Forward(input);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("picks2"));
  }
}

}  // namespace
}  // namespace cross4d::point4d
