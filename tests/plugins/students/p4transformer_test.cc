// SPDX-License-Identifier: Apache-2.0
// The student against the published composition, the official kernels' quirks, its sizes.
#include "plugins/students/p4transformer/p4transformer.h"

#include <cross4d/sdk/error.h>

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "plugins/students/p4transformer/anchors.h"
#include "plugins/students/p4transformer/clip.h"
#include "plugins/students/p4transformer/tokenizer.h"
#include "plugins/students/p4transformer/tube_convolution.h"
#include "tests/plugins/students/p4transformer_reference.h"
#include "tests/plugins/students/p4transformer_support.h"
#include "tests/support/temp_folder.h"

namespace cross4d::p4transformer {
namespace {

using torch::Tensor;

Options Preset(const std::string& name) { return DescribeOptions().Read({{"preset", name}}); }

Options Small() {
  Options o;
  o.neighbours = 6;
  o.spatial_stride = 8;
  o.dim = 24;
  o.depth = 2;
  o.heads = 3;
  o.dim_head = 5;
  o.mlp = 40;
  return o;
}

Tensor Reference(const P4Transformer& student, const Options& o, const StudentInput& input) {
  return reference::Forward(PrepareClips(input.points, o.normalize),
                            input.extra.at("anchors").to(at::kLong),
                            input.extra.at("neighbours").to(at::kLong),
                            reference::WeightsOf(student),
                            {o.depth, o.heads});
}

TEST(P4Transformer, ParameterCounts) {
  EXPECT_EQ(CountParameters(P4Transformer(Preset("msr"), {})), 41993216);
  EXPECT_EQ(CountParameters(P4Transformer(Preset("pst-small"), {})), 259920);
  Options normed = Small();
  const std::int64_t without = CountParameters(P4Transformer(normed, {}));
  normed.final_layer_norm = true;
  EXPECT_EQ(CountParameters(P4Transformer(normed, {})), without + 2 * normed.dim);
  // 4 C + 5 C; per layer, with i = heads * dim_head: 3 C i + C i + C + 2 C m + m + C + 4 C.
  const Options n = Preset("ntu");
  const std::int64_t i = n.heads * n.dim_head, c = n.dim, m = n.mlp;
  EXPECT_EQ(9 * c + n.depth * (4 * c * i + 6 * c + 2 * c * m + m), 125920256);
}

TEST(P4Transformer, TheTableIsSound) {
  EXPECT_THAT(CheckSchema(DescribeOptions().schema()), testing::IsEmpty());
}

TEST(P4Transformer, NamesAreTheOfficialOnes) {
  std::vector<std::string> names;
  Options one = Small();
  one.depth = 1;
  for (const auto& item : P4Transformer(one, {}).named_parameters()) names.push_back(item.key());
  const std::string at = "transformer.layers.0.";
  EXPECT_THAT(names,
              testing::UnorderedElementsAre("tube_embedding.conv_d.0.weight",
                                            "pos_embedding.weight",
                                            "pos_embedding.bias",
                                            at + "0.fn.norm.weight",
                                            at + "0.fn.norm.bias",
                                            at + "0.fn.fn.to_qkv.weight",
                                            at + "0.fn.fn.to_out.0.weight",
                                            at + "0.fn.fn.to_out.0.bias",
                                            at + "1.fn.norm.weight",
                                            at + "1.fn.norm.bias",
                                            at + "1.fn.fn.net.0.weight",
                                            at + "1.fn.fn.net.0.bias",
                                            at + "1.fn.fn.net.3.weight",
                                            at + "1.fn.fn.net.3.bias"));
}

TEST(P4Transformer, ForwardAndGradientsAreThoseOfTheReference) {
  for (const char* variant : {"plain", "normalised", "normed", "finer"}) {
    SCOPED_TRACE(variant);
    Options o = Small();
    o.normalize = std::string(variant) == "normalised";
    o.final_layer_norm = std::string(variant) == "normed";
    if (std::string(variant) == "finer") o.pooling = "finer";
    torch::manual_seed(1);
    P4Transformer student(o, {});
    const StudentInput input =
        Stack(student, {torch::randn({6, 50, 3}), torch::randn({6, 50, 3}) * 2 + 1});
    const Tensor want = Reference(student, o, input), got = student.Forward(input).features;
    ASSERT_EQ(got.sizes(), want.sizes());
    EXPECT_LT(Difference(got, want), 1e-5);
    const Tensor upstream = torch::randn_like(want);
    want.backward(upstream);
    std::map<std::string, Tensor> gradients;
    for (auto& item : student.named_parameters())
      gradients[item.key()] = item.value().grad().clone();
    student.zero_grad();
    got.backward(upstream);
    for (auto& item : student.named_parameters())
      EXPECT_LT(Difference(item.value().grad(), gradients.at(item.key())), 1e-4) << item.key();
  }
}

TEST(P4Transformer, ShapesAtFullSize) {
  const Options o;
  EXPECT_EQ(TokensPerFrame(o, 2048), 64);
  Options finer;
  finer.pooling = "finer";
  EXPECT_EQ(TokensPerFrame(finer, 2048), 128);
  torch::manual_seed(2);
  const TokenGeometry g = TokenizeClip(torch::randn({24, 2048, 3}), o);
  EXPECT_EQ(g.centres.size(0), 12 * 64);
  EXPECT_EQ(g.extra.at("neighbours").sizes(), (at::IntArrayRef{12, 3, 64, 32}));
  EXPECT_EQ(g.extra.at("neighbours").scalar_type(), at::kShort);
  for (std::int64_t l = 0; l < 12; ++l) EXPECT_EQ(g.frames[64 * l].item<std::int64_t>(), 2 * l);
}

/// The greatest difference between a gradient and the central differences of `loss` in float64.
double FiniteDifference(const Tensor& x,
                        const Tensor& gradient,
                        const std::function<double()>& loss) {
  const torch::NoGradGuard no_grad;
  double worst = 0;
  double* value = x.data_ptr<double>();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const double kept = value[i], step = 1e-6;
    value[i] = kept + step;
    const double above = loss();
    value[i] = kept - step;
    const double below = loss();
    value[i] = kept;
    const double got = gradient.view({-1})[i].item<double>();
    worst = std::max(worst, std::abs(got - (above - below) / (2 * step)));
  }
  return worst;
}

TEST(TubeConvolution, GradientsInFloat64) {
  torch::manual_seed(3);
  const Tensor d = torch::randn({5, 7, 4}, at::kDouble).requires_grad_();
  const Tensor weight = torch::randn({13, 4}, at::kDouble).requires_grad_();
  const Tensor upstream = torch::randn({5, 13}, at::kDouble);
  const auto loss = [&] { return (TubeConvolution(d, weight) * upstream).sum().item<double>(); };
  TubeConvolution(d, weight).backward(upstream);
  EXPECT_LT(FiniteDifference(d, d.grad(), loss), 1e-7);
  EXPECT_LT(FiniteDifference(weight, weight.grad(), loss), 1e-7);
}

TEST(TubeConvolution, EqualsThePlainComposition) {
  for (const std::int64_t channels : {1, 16, 24, 45, 128}) {
    for (const std::int64_t j : {1, 3, 96}) {
      torch::manual_seed(4);
      const Tensor d = torch::randn({70, j, 4});
      const Tensor a = torch::randn({channels, 4}).requires_grad_();
      const Tensor b = a.detach().clone().requires_grad_();
      const Tensor got = TubeConvolution(d, a), want = TubeConvolutionPlain(d, b);
      EXPECT_LT(Difference(got, want), 1e-6);
      const Tensor upstream = torch::randn_like(want);
      got.backward(upstream);
      want.backward(upstream);
      EXPECT_LT(Difference(a.grad(), b.grad()), 1e-5) << channels << " of " << j;
      const torch::NoGradGuard no_grad;
      EXPECT_TRUE(at::equal(TubeConvolution(d, a), got));
    }
  }
}

/// The official kernel, thread by thread: each keeps its best, then halves are compared.
std::vector<std::int32_t> KernelPicks(const std::vector<float>& points,
                                      std::size_t count,
                                      bool skip) {
  const std::size_t n = points.size() / 3;
  std::size_t threads = 1;
  while (threads * 2 <= n && threads < 512) threads *= 2;
  std::vector<float> running(n, 1e10f);
  std::vector<std::int32_t> picks = {0};
  while (picks.size() < count) {
    std::vector<float> best(threads, -1.0f);
    std::vector<std::int32_t> index(threads, 0);
    const float* old = &points[3 * picks.back()];
    for (std::size_t thread = 0; thread < threads; ++thread) {
      for (std::size_t k = thread; k < n; k += threads) {
        const float* p = &points[3 * k];
        if (skip && (p[0] * p[0] + p[1] * p[1]) + p[2] * p[2] <= 1e-3f) continue;
        const float x = p[0] - old[0], y = p[1] - old[1], z = p[2] - old[2];
        running[k] = std::min((x * x + y * y) + z * z, running[k]);
        if (running[k] > best[thread])
          best[thread] = running[k], index[thread] = static_cast<int>(k);
      }
    }
    for (std::size_t half = threads / 2; half > 0; half /= 2) {
      for (std::size_t t = 0; t < half; ++t) {
        if (best[t + half] > best[t]) best[t] = best[t + half], index[t] = index[t + half];
      }
    }
    picks.push_back(index[0]);
  }
  return picks;
}

std::vector<std::int32_t> Picks(const std::vector<float>& points, std::size_t count, bool skip) {
  std::vector<std::int32_t> picked(count);
  PickAnchors(points, skip, picked);
  return picked;
}

TEST(Anchors, AreThoseOfTheOfficialKernel) {
  std::uint32_t state = 1;
  for (const std::size_t n : {1, 2, 5, 31, 512, 700, 1500}) {
    std::vector<float> points(3 * n);
    for (float& v : points) {
      // Whole numbers: many ties, and points at the origin.
      state = state * 1664525u + 1013904223u;
      v = static_cast<float>(state >> 24 & 7) - 3;
    }
    for (const bool skip : {false, true})
      EXPECT_EQ(Picks(points, 40, skip), KernelPicks(points, 40, skip)) << n << " " << skip;
  }
}

TEST(Anchors, Quirks) {
  // Point 0 is the first, though it lies at the origin; no other there is picked.
  EXPECT_THAT(Picks({0, 0, 0, 0.03f, 0, 0, 0, 0.1f, 0}, 3, true), testing::ElementsAre(0, 2, 2));
  EXPECT_THAT(Picks({0, 0, 0, 0.03f, 0, 0, 0, 0.1f, 0}, 3, false), testing::ElementsAre(0, 2, 1));
  EXPECT_THAT(Picks({0, 0, 0, 0, 0, 0.01f}, 3, true), testing::ElementsAre(0, 0, 0));
  // Squared distances beyond 1e10 are all the same: not the farther one, but thread 1 before 3.
  EXPECT_THAT(Picks({1, 0, 0, 3e5f, 0, 0, 1, 1, 0, 9e5f, 0, 0}, 2, true),
              testing::ElementsAre(0, 1));
  // On a tie thread 2 comes before thread 1: the last round compares even with odd ones.
  EXPECT_THAT(Picks({1, 0, 0, 2, 0, 0, 1, 1, 0, 1, 0, 0}, 2, true), testing::ElementsAre(0, 2));
}

TEST(Tokenizer, NeighboursAreTheFirstInIndexOrder) {
  Options o = Small();
  o.neighbours = 3;
  o.spatial_stride = 100;  // one anchor: point 0
  o.radius = 1;
  Tensor clip = torch::zeros({4, 6, 3});
  clip.fill_(5);
  clip[0][0].zero_();
  clip[3].fill_(-9);
  clip[1][2].fill_(0.1);                                        // one hit: padded with it
  for (int i = 1; i < 6; ++i) clip[0][i].fill_(0.5 - 0.1 * i);  // five hits: the first three
  clip[0][1][0] = 1;  // distance 1 is not below the radius
  clip[0][1][1] = clip[0][1][2] = 0;
  const TokenGeometry g = TokenizeClip(clip, o);
  ASSERT_EQ(g.extra.at("neighbours").sizes(), (at::IntArrayRef{2, 3, 1, 3}));
  const auto row = [&](int l, int s) {
    const Tensor r = g.extra.at("neighbours")[l][s][0].to(at::kInt);
    return std::vector<int>(r.data_ptr<int>(), r.data_ptr<int>() + 3);
  };
  EXPECT_THAT(row(0, 0), testing::ElementsAre(0, 2, 3));  // frame -1 is frame 0
  EXPECT_THAT(row(0, 1), testing::ElementsAre(0, 2, 3));
  EXPECT_THAT(row(0, 2), testing::ElementsAre(2, 2, 2));
  // The anchor of frame 2 is point 0 at (5, 5, 5): frame 1 has points there, not point 2.
  EXPECT_THAT(row(1, 0), testing::ElementsAre(0, 1, 3));
  EXPECT_THAT(row(1, 2), testing::ElementsAre(0, 0, 0));  // none: point 0
}

TEST(P4Transformer, TokensAreInputPoints) {
  torch::manual_seed(5);
  const Tensor clip = torch::randn({5, 40, 3}) * 100 + 30;
  Options o = Small();
  o.normalize = true;
  const TokenGeometry g = TokenizeClip(clip, o);
  ASSERT_EQ(g.centres.size(0), 3 * 5);  // frames 0, 2, 4
  for (std::int64_t i = 0; i < 15; ++i) {
    EXPECT_EQ(g.frames[i].item<std::int64_t>(), 2 * (i / 5));
    EXPECT_TRUE(at::equal(g.centres[i], clip[2 * (i / 5)][g.nearest[i].item<std::int64_t>()]));
  }
}

TEST(Tokenizer, DoesNotDependOnThreads) {
  torch::manual_seed(9);
  Options o = Small();
  o.normalize = true;
  const Tensor clip = torch::randn({24, 2048, 3}) * 40 + 1000;
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor one = PrepareClips(clip, o.normalize);
  at::set_num_threads(4);
  const Tensor four = PrepareClips(clip, o.normalize);
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(one, four));
  EXPECT_LT(one.view({-1, 3}).mean(0).abs().max().item<double>(), 1e-3);
  EXPECT_NEAR(one.norm(2, 2).max().item<double>(), 1, 1e-5);
}

TEST(P4Transformer, AwkwardClips) {
  const std::vector<std::pair<const char*, Tensor>> clips = {
      {"one frame", torch::randn({1, 40, 3})},
      {"three frames", torch::randn({3, 40, 3})},
      {"identical points", torch::full({4, 40, 3}, 0.7)},
      {"all at the origin", torch::zeros({4, 40, 3})},
      {"fewer points than the stride and the neighbours", torch::randn({4, 3, 3})},
      {"one point", torch::randn({2, 1, 3})},
  };
  for (const auto& [what, clip] : clips) {
    for (const bool normalize : {false, true}) {
      SCOPED_TRACE(what);
      torch::manual_seed(6);
      Options o = Small();
      o.normalize = normalize;
      P4Transformer student(o, {});
      const Tensor out = student.Forward(Stack(student, {clip})).features;
      EXPECT_TRUE(out.isfinite().all().item<bool>());
      out.sum().backward();
      for (const auto& item : student.named_parameters())
        EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
    }
  }
}

TEST(P4Transformer, RefusesBadClips) {
  const Options o = Small();
  EXPECT_THROW(TokenizeClip(torch::zeros({4, 3}), o), Error);
  EXPECT_THROW(TokenizeClip(torch::zeros({2, 0, 3}), o), Error);
  Tensor clip = torch::zeros({3, 4, 3});
  clip[1][2][0] = NAN;
  try {
    TokenizeClip(clip, o);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("frame 1, point 2"));
  }
}

TEST(Weights, OfTheOfficialCodeLoad) {
  const test::TempFolder folder;
  Options o = Small();
  torch::manual_seed(7);
  P4Transformer source(o, {});
  for (const char* prefix : {"", "module.", "model.module."}) {
    const Tensor head = torch::zeros({20, 4});
    o.weights = WriteWeights(folder.path() / "weights.safetensors",
                             source,
                             prefix,
                             {{std::string(prefix) + "mlp_head.3.weight", head}});
    torch::manual_seed(8);
    P4Transformer loaded(o, {});
    for (const auto& item : source.named_parameters())
      EXPECT_TRUE(at::equal(*loaded.named_parameters().find(item.key()), item.value()));
  }
  o.depth = 1;
  EXPECT_THROW(P4Transformer(o, {}), Error);  // tensors are left over
}

}  // namespace
}  // namespace cross4d::p4transformer
