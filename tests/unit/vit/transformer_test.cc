// SPDX-License-Identifier: Apache-2.0
// The transformer against the formulas of a pre-norm block, written out step by step.
#include "core/vit/transformer.h"

#include "core/vit/load.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace cross4d::vit {
namespace {

constexpr std::int64_t kDim = 16, kHeads = 2, kHidden = 24;

struct Weights {
  std::map<std::string, at::Tensor> tensors;
  at::Generator generator = at::detail::createCPUGenerator(11);

  void Add(const std::string& name, at::IntArrayRef shape) {
    tensors[name] = at::randn(shape, generator) * 0.3;
  }
  WeightSource Source() const {
    WeightSource source{
        "memory", {}, [copy = tensors](const std::string& n) { return copy.at(n); }};
    for (const auto& [name, tensor] : tensors) source.names.push_back(name);
    return source;
  }
};

Architecture Small(bool gated) {
  Architecture arch;
  arch.dim = kDim;
  arch.heads = kHeads;
  arch.layers = 1;
  arch.hidden = kHidden;
  arch.patch = 2;
  arch.norm_eps = 1e-5;
  arch.gated = gated;
  arch.activation = gated ? Activation::kSilu : Activation::kGelu;
  arch.positions = Positions::kSine;
  arch.final_norm = false;
  return arch;
}

Weights SmallWeights(bool gated) {
  Weights w;
  const auto layer = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    w.Add(name + ".weight", {out, in});
    w.Add(name + ".bias", {out});
  };
  w.Add("patches.weight", {kDim, 3, 2, 2});
  w.Add("patches.bias", {kDim});
  for (const char* norm : {"b0.n1", "b0.n2"}) {
    w.Add(std::string(norm) + ".weight", {kDim});
    w.Add(std::string(norm) + ".bias", {kDim});
  }
  for (const char* name : {"b0.q", "b0.k", "b0.v", "b0.o"}) layer(name, kDim, kDim);
  if (gated) layer("b0.gate", kHidden, kDim);
  layer("b0.up", kHidden, kDim);
  layer("b0.down", kDim, kHidden);
  w.Add("b0.s1", {kDim});
  w.Add("b0.s2", {kDim});
  return w;
}

VisionTransformer Build(const Weights& weights, bool gated, at::ScalarType dtype = at::kFloat) {
  const Architecture arch = Small(gated);
  WeightReader reader(weights.Source(), {""}, "patches.weight");
  BlockNames names;
  names.norm1 = "n1";
  names.norm2 = "n2";
  names.query = "q";
  names.key = "k";
  names.value = "v";
  names.out = "o";
  names.scale1 = "s1";
  names.scale2 = "s2";
  names.gate = gated ? "gate" : "";
  names.up = "up";
  names.down = "down";
  const Placement placement{dtype, at::kCPU};
  Parameters p;
  p.patches = LoadPatches(reader, "patches", arch, placement);
  p.blocks = LoadBlocks(reader, arch, "b", names, {}, placement);
  reader.Finish();
  return VisionTransformer(arch, std::move(p));
}

// x + s1 Attn(LN1 x), then + s2 MLP(LN2 x), with nothing fused or folded.
at::Tensor Reference(const Weights& weights, const at::Tensor& frames, bool gated) {
  const auto& w = weights.tensors;
  const auto linear = [&](const at::Tensor& x, const std::string& n) {
    return at::linear(x, w.at(n + ".weight"), w.at(n + ".bias"));
  };
  const auto norm = [&](const at::Tensor& x, const std::string& n) {
    return at::layer_norm(x, {kDim}, w.at(n + ".weight"), w.at(n + ".bias"), 1e-5);
  };
  at::Tensor x = at::conv2d(frames.select(1, 0),
                            w.at("patches.weight"),
                            w.at("patches.bias"),
                            at::IntArrayRef{2, 2},
                            at::IntArrayRef{0, 0});
  x = x.flatten(2).transpose(1, 2);
  x = x + SineTable(x.size(1), kDim);
  const at::Tensor h = norm(x, "b0.n1");
  const auto heads = [](const at::Tensor& t) {
    return t.view({t.size(0), t.size(1), kHeads, kDim / kHeads}).transpose(1, 2);
  };
  const at::Tensor q = heads(linear(h, "b0.q")), k = heads(linear(h, "b0.k"));
  const at::Tensor scores =
      at::softmax(at::matmul(q, k.transpose(2, 3)) / std::sqrt(kDim / kHeads), -1);
  const at::Tensor mixed = at::matmul(scores, heads(linear(h, "b0.v"))).transpose(1, 2).flatten(2);
  x = x + w.at("b0.s1") * linear(mixed, "b0.o");
  const at::Tensor g = norm(x, "b0.n2");
  const at::Tensor inner =
      gated ? at::silu(linear(g, "b0.gate")) * linear(g, "b0.up") : at::gelu(linear(g, "b0.up"));
  return x + w.at("b0.s2") * linear(inner, "b0.down");
}

TEST(Transformer, BlockIsThePapersFormula) {
  for (const bool gated : {false, true}) {
    const Weights weights = SmallWeights(gated);
    const VisionTransformer model = Build(weights, gated);
    const at::Tensor frames = at::randn({2, 1, 3, 6, 8}, at::detail::createCPUGenerator(2));
    const at::Tensor expected = Reference(weights, frames, gated);
    const Tokens tokens = model.Forward(frames);
    EXPECT_TRUE(at::allclose(tokens.hidden, expected, 1e-4, 1e-4)) << gated;
    EXPECT_EQ(tokens.grid, (Grid{1, 3, 4}));
    for (const bool widened : {true, false}) {
      VisionTransformer half = Build(weights, gated, at::kBFloat16);
      half.set_widened(widened);
      const at::Tensor in_bf16 = half.Forward(frames).hidden;
      EXPECT_EQ(in_bf16.scalar_type(), at::kFloat);
      EXPECT_GT(at::cosine_similarity(in_bf16, expected, -1).min().item<double>(), 0.99);
      EXPECT_FALSE(at::equal(in_bf16, tokens.hidden)) << "bf16 was not used";
    }
  }
}

TEST(Transformer, FramesOfAnImageModelStandAlone) {
  const Weights weights = SmallWeights(false);
  const VisionTransformer model = Build(weights, false);
  const at::Tensor frames = at::randn({2, 3, 3, 4, 4}, at::detail::createCPUGenerator(2));
  const Tokens tokens = model.Forward(frames);
  EXPECT_EQ(tokens.hidden.sizes(), at::IntArrayRef({6, 4, kDim}));
  EXPECT_EQ(tokens.patches().sizes(), at::IntArrayRef({2, 3, 2, 2, kDim}));
  const at::Tensor alone = model.Forward(frames.narrow(0, 1, 1).narrow(1, 2, 1)).patches();
  EXPECT_TRUE(at::allclose(tokens.patches()[1][2], alone[0][0], 1e-5, 1e-5));
}

TEST(Transformer, GridsMayChangeBetweenCalls) {
  const Weights weights = SmallWeights(false);
  const VisionTransformer model = Build(weights, false);  // 120: more rows than at once in an MLP
  for (const std::int64_t side : {4, 8, 120, 4}) {
    const at::Tensor frames = at::randn({1, 1, 3, side, side}, at::detail::createCPUGenerator(2));
    const at::Tensor expected = Reference(weights, frames, false);
    EXPECT_TRUE(at::allclose(model.Forward(frames).hidden, expected, 1e-4, 1e-4)) << side;
  }
}

// At the sizes of DINOv2-large, where groups of clips share a product.
TEST(Transformer, AClipIsTheSameBitsAloneAndInAnyBatch) {
  const at::Generator generator = at::detail::createCPUGenerator(3);
  const auto random = [&](at::IntArrayRef shape) { return at::randn(shape, generator) * 0.05; };
  constexpr std::int64_t kWide = 1024;
  const auto linear = [&](std::int64_t out, std::int64_t in) {
    return Linear(random({out, in}), random({out}));
  };
  Architecture arch = Small(false);
  arch.dim = kWide;
  arch.heads = 16;
  arch.hidden = 4 * kWide;
  arch.patch = 4;
  const Norm norm{at::ones({kWide}), at::zeros({kWide}), 1e-6};
  Parameters p;
  p.patches = linear(kWide, 48);
  p.blocks = {{norm,
               linear(3 * kWide, kWide),
               linear(kWide, kWide),
               norm,
               linear(4 * kWide, kWide),
               linear(kWide, 4 * kWide)}};
  const VisionTransformer model(arch, p);
  for (const std::int64_t side : {12, 24, 64}) {  // 9, 36 and 256 tokens
    const at::Tensor frames = at::randn({9, 1, 3, side, side}, generator);
    const at::Tensor all = model.Forward(frames).hidden;
    for (const auto& [first, count] : {std::pair(0, 1), {8, 1}, {3, 4}}) {
      EXPECT_TRUE(at::equal(model.Forward(frames.narrow(0, first, count)).hidden,
                            all.narrow(0, first, count)))
          << side << ", clips from " << first;
    }
  }
}

TEST(Transformer, RestBelowAPatchIsDropped) {
  const VisionTransformer model = Build(SmallWeights(false), false);
  at::Tensor frames = at::randn({1, 1, 3, 7, 9}, at::detail::createCPUGenerator(2));
  const at::Tensor a = model.Forward(frames).hidden;
  frames.select(3, 6).fill_(1e3);
  frames.select(4, 8).fill_(1e3);
  EXPECT_TRUE(at::equal(a, model.Forward(frames).hidden));
}

TEST(Transformer, InputsItDoesNotTakeAreRefused) {
  const VisionTransformer model = Build(SmallWeights(false), false);
  EXPECT_THROW(model.Forward(at::zeros({1, 3, 4, 4})), Error);
  EXPECT_THROW(model.Forward(at::zeros({1, 1, 1, 4, 4})), Error);
  EXPECT_THROW(model.Forward(at::zeros({1, 1, 3, 1, 4})), Error);
  EXPECT_THROW(model.Forward(at::zeros({1, 0, 3, 4, 4})), Error);
}

TEST(Architecture, HeadsMustDivideTheChannels) {
  Architecture arch = Small(false);
  arch.heads = 3;
  EXPECT_THROW(arch.Check("config.json"), Error);
  arch.heads = 8;  // 2 channels per head: no axial rotary
  EXPECT_NO_THROW(arch.Check("config.json"));
  arch.positions = Positions::kAxialRotary;
  EXPECT_THROW(arch.Check("config.json"), Error);
}

}  // namespace
}  // namespace cross4d::vit
