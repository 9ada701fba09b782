// SPDX-License-Identifier: Apache-2.0
// The student's parts against plain compositions.
#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "plugins/students/point4d/set_abstraction.h"
#include "plugins/students/point4d/short_attention.h"
#include "plugins/students/point4d/tokenizer.h"
#include "tests/plugins/students/point4d_support.h"

namespace cross4d::point4d {
namespace {

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

}  // namespace
}  // namespace cross4d::point4d
