// SPDX-License-Identifier: Apache-2.0
// The segmentation form against the published composition, its names and sizes, awkward clips.
#include "plugins/students/p4transformer-seg/p4transformer_seg.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>

#include "tests/plugins/students/p4transformer_seg_reference.h"
#include "tests/plugins/students/p4transformer_support.h"
#include "tests/support/temp_folder.h"

namespace cross4d::p4transformer_seg {
namespace {

using p4transformer::Difference;
using p4transformer::Stack;
using p4transformer::WriteWeights;
using torch::Tensor;

Options Small() {
  Options o;
  o.neighbours = 5;
  o.radius = 0.8;
  o.width = 2;
  o.heads = 2;
  o.dim_head = 6;
  o.mlp = 20;
  return o;
}

TEST(P4TransformerSeg, TheTableIsSound) {
  EXPECT_THAT(CheckSchema(DescribeOptions().schema()), testing::IsEmpty());
}

TEST(P4TransformerSeg, ParameterCount) {
  // A convolution's layers, in -> a -> b -> c, with two BatchNorms at a: 4 a + in a + 4 a + a b +
  // 2 b + b c + 2 c.
  const auto down = [](int in, int a, int b, int c) {
    return 8 * a + in * a + a * b + 2 * b + b * c + 2 * c;
  };
  const auto up = [](int in, int c) { return in * c + c * c + 4 * c; };
  const int convolutions = down(3, 32, 64, 128) + down(128, 128, 128, 256) +
                           down(256, 256, 256, 512) + down(512, 512, 512, 1024) + up(1536, 256) +
                           up(512, 256) + up(384, 128) + up(131, 128);
  const int layer = 4 * 1024 * 1024 + 2 * 1024 * 1024 + 7 * 1024;
  EXPECT_EQ(convolutions + 2 * layer, 14754144);
  EXPECT_EQ(p4transformer::CountParameters(P4TransformerSeg(Options(), {})), 14754144);
}

TEST(P4TransformerSeg, NamesAndShapesAreTheOfficialOnes) {
  const P4TransformerSeg student(Options(), {});
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& item : student.named_parameters())
    shapes[item.key()] = item.value().sizes().vec();
  for (const auto& item : student.named_buffers()) shapes[item.key()] = item.value().sizes().vec();
  using Shape = std::vector<std::int64_t>;
  EXPECT_EQ(shapes.at("conv1.conv_d.0.weight"), (Shape{32, 4, 1, 1}));
  EXPECT_EQ(shapes.at("conv1.conv_d.1.running_var"), Shape{32});
  EXPECT_EQ(shapes.at("conv2.conv_f.0.weight"), (Shape{128, 128, 1, 1}));
  EXPECT_EQ(shapes.at("conv3.mlp.0.weight"), (Shape{256, 256, 1, 1}));
  EXPECT_EQ(shapes.at("conv4.mlp.3.weight"), (Shape{1024, 512, 1, 1}));
  EXPECT_EQ(shapes.at("conv4.mlp.4.bias"), Shape{1024});
  EXPECT_EQ(shapes.at("transformer.layers.1.0.fn.fn.to_qkv.weight"), (Shape{3072, 1024}));
  EXPECT_EQ(shapes.at("deconv4.conv.0.weight"), (Shape{256, 1536, 1}));
  EXPECT_EQ(shapes.at("deconv1.conv.0.weight"), (Shape{128, 131, 1}));
  EXPECT_EQ(shapes.at("deconv1.conv.4.num_batches_tracked"), Shape{});
  // Parameters: 4 x 4 layers and 4 x 2, each with a weight, a scale and a shift; 2 x 11 of the
  // transformer. Buffers: 3 of each BatchNorm.
  EXPECT_EQ(shapes.size(), 24 * 3 + 2 * 11 + 24 * 3);
}

// In float64, where the two orders of summation differ by 1e-14 and no ReLU takes another side.
TEST(P4TransformerSeg, ForwardGradientsAndStatisticsAreThoseOfTheReference) {
  for (const bool training : {true, false}) {
    SCOPED_TRACE(training);
    torch::manual_seed(1);
    const Options o = Small();
    P4TransformerSeg student(o, {});
    StudentInput input = Stack(student, {torch::randn({4, 300, 3}), torch::randn({4, 300, 3}) * 2});
    input.points = input.points.to(at::kDouble);
    student.to(at::kDouble);
    {
      const torch::NoGradGuard no_grad;
      for (auto& item : student.named_buffers()) {
        if (item.key().ends_with("mean")) item.value().normal_(0, 0.1);
        if (item.key().ends_with("var")) item.value().uniform_(0.1, 0.5);
      }
      for (auto& item : student.named_parameters()) {
        if (item.value().dim() == 1) item.value().add_(torch::randn_like(item.value()) * 0.1);
      }
    }
    student.train(training);
    reference::Weights state = reference::StateOf(student);
    const Tensor want = reference::Forward(
        input.points, state, {o.radius, o.neighbours, o.depth, o.heads, training});
    const Tensor got = student.Forward(input).features;
    ASSERT_EQ(got.sizes(), want.sizes());
    EXPECT_LT(Difference(got, want), 1e-10);
    EXPECT_GT(want.std().item<double>(), 0.1);
    const Tensor upstream = torch::randn_like(want);
    want.backward(upstream);
    std::map<std::string, Tensor> gradients;
    for (auto& item : student.named_parameters())
      gradients[item.key()] = item.value().grad().clone();
    student.zero_grad();
    got.backward(upstream);
    for (auto& item : student.named_parameters())
      EXPECT_LT(Difference(item.value().grad(), gradients.at(item.key())), 1e-9) << item.key();
    for (auto& item : student.named_buffers())
      EXPECT_LT(Difference(item.value().to(at::kDouble), state.at(item.key()).to(at::kDouble)),
                1e-10)
          << item.key();
  }
}

TEST(Recomputed, HasTheValuesAndGradientsOfItsBody) {
  torch::manual_seed(2);
  const Tensor x = torch::randn({5, 3}, at::kDouble).requires_grad_();
  const Tensor w = torch::randn({4, 3}, at::kDouble).requires_grad_();
  const Tensor rows = at::tensor({4, 0, 0, 2}, at::kLong);
  int first = 0, again = 0;
  const Body body = [&](const Tensors& in, bool repeated) {
    ++(repeated ? again : first);
    return at::linear(in[0].index_select(0, in[1]).sin(), in[2]).relu();
  };
  const Tensor got = Recomputed(body, {x, rows, w}), want = body({x, rows, w}, false);
  EXPECT_TRUE(at::equal(got, want));
  const Tensor upstream = torch::randn_like(want);
  const auto expected = torch::autograd::grad({want}, {x, w}, {upstream});
  const auto found = torch::autograd::grad({got}, {x, w}, {upstream});
  EXPECT_TRUE(at::equal(found[0], expected[0]));
  EXPECT_TRUE(at::equal(found[1], expected[1]));
  EXPECT_EQ(first, 2);
  EXPECT_EQ(again, 1);
}

TEST(P4TransformerSeg, EveryPointIsAToken) {
  torch::manual_seed(3);
  const Tensor clip = torch::randn({3, 40, 3}) * 100 + 30;
  Options o = Small();
  o.normalize = true;
  const TokenGeometry g = TokenizeClip(clip, o);
  ASSERT_EQ(g.centres.size(0), 3 * 40);
  EXPECT_TRUE(at::equal(g.centres.view({3, 40, 3}), clip));
  for (std::int64_t i = 0; i < 120; i += 7) {
    EXPECT_EQ(g.frames[i].item<std::int64_t>(), i / 40);
    EXPECT_EQ(g.nearest[i].item<std::int64_t>(), i % 40);
  }
  EXPECT_EQ(g.extra.at("anchors1").sizes(), (at::IntArrayRef{3, 10}));
  EXPECT_EQ(g.extra.at("anchors4").sizes(), (at::IntArrayRef{3, 1}));
  EXPECT_EQ(g.extra.at("neighbours2").sizes(), (at::IntArrayRef{3, 1, 2, 5}));
  EXPECT_EQ(g.extra.at("neighbours3").sizes(), (at::IntArrayRef{3, 3, 1, 5}));
  EXPECT_EQ(g.extra.at("nearest1").sizes(), (at::IntArrayRef{3, 40, 3}));
  EXPECT_EQ(g.extra.at("nearest3").sizes(), (at::IntArrayRef{3, 2, 1}));
  EXPECT_EQ(g.extra.at("nearest1").scalar_type(), at::kShort);
}

TEST(P4TransformerSeg, InEvalModeAClipIsItsOwn) {
  torch::manual_seed(4);
  P4TransformerSeg student(Small(), {});
  student.eval();
  const torch::NoGradGuard no_grad;
  const Tensor a = torch::randn({4, 60, 3}), b = torch::randn({4, 60, 3}) * 3;
  const Tensor alone = student.Forward(Stack(student, {a})).features[0];
  EXPECT_TRUE(at::equal(alone, student.Forward(Stack(student, {b, a, b})).features[1]));
}

TEST(P4TransformerSeg, AwkwardClips) {
  const std::vector<std::pair<const char*, Tensor>> clips = {
      {"one frame", torch::randn({1, 40, 3})},
      {"two frames", torch::randn({2, 40, 3})},
      {"identical points", torch::full({4, 40, 3}, 0.7)},
      {"all at the origin", torch::zeros({4, 40, 3})},
      {"fewer points than the stride and the neighbours", torch::randn({4, 3, 3})},
      {"two points", torch::randn({2, 2, 3})},
  };
  for (const auto& [what, clip] : clips) {
    for (const bool normalize : {false, true}) {
      SCOPED_TRACE(what);
      torch::manual_seed(5);
      Options o = Small();
      o.normalize = normalize;
      P4TransformerSeg student(o, {});
      // Twice the same clip: where a level has one anchor, BatchNorm still has two rows.
      const Tensor out = student.Forward(Stack(student, {clip, clip})).features;
      EXPECT_TRUE(out.isfinite().all().item<bool>());
      out.sum().backward();
      for (const auto& item : student.named_parameters())
        EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
    }
  }
}

TEST(P4TransformerSeg, RefusesWhatItCannotUse) {
  P4TransformerSeg student(Small(), {});
  const StudentInput one = Stack(student, {torch::randn({2, 1, 3})});
  try {
    student.Forward(one);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("BatchNorm needs at least two rows"));
  }
  student.eval();
  EXPECT_TRUE(student.Forward(one).features.isfinite().all().item<bool>());
  EXPECT_THROW(student.Embed(one), Error);
  EXPECT_THROW(TokenizeClip(torch::full({2, 4, 3}, NAN), Small()), Error);
}

TEST(P4TransformerSeg, OfficialWeightsLoadWithTheirStatistics) {
  const test::TempFolder folder;
  Options o = Small();
  torch::manual_seed(6);
  P4TransformerSeg source(o, {});
  source.Forward(Stack(source, {torch::randn({3, 256, 3})}));  // other statistics than 0 and 1
  o.weights = WriteWeights(folder.path() / "weights.safetensors",
                           source,
                           "module.",
                           {{"module.outconv.weight", torch::zeros({12, 8, 1, 1})}});
  const P4TransformerSeg loaded(o, {});
  for (const auto& item : source.named_parameters())
    EXPECT_TRUE(at::equal(*loaded.named_parameters().find(item.key()), item.value()));
  for (const auto& item : source.named_buffers()) {
    if (!item.value().is_floating_point()) continue;  // how many batches: not loaded
    EXPECT_TRUE(at::equal(*loaded.named_buffers().find(item.key()), item.value())) << item.key();
  }
  o.depth = 1;
  EXPECT_THROW(P4TransformerSeg(o, {}), Error);  // tensors are left over
}

}  // namespace
}  // namespace cross4d::p4transformer_seg
