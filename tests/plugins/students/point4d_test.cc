// SPDX-License-Identifier: Apache-2.0
// The student as a whole: its sizes, fused against plain, its two halves, and awkward clips.
#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/plugins/students/point4d_support.h"

namespace cross4d::point4d {
namespace {

std::int64_t CountParameters(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const Tensor& p : module.parameters()) count += p.numel();
  return count;
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

/// Both set abstractions of a student note their choices, or follow given ones.
void SetChoices(Point4d& student, const std::vector<std::shared_ptr<GroupedChoices>>& choices) {
  for (std::size_t i = 0; i < 2; ++i) {
    const auto module = student.named_children()[i == 0 ? "sa1" : "sa2"];
    std::dynamic_pointer_cast<SetAbstractionImpl>(module)->choices = choices[i];
  }
}

TEST(Point4d, WithTheSameChoicesGradientsAreThoseOfFloat64) {
  Options options = Preset("A");
  options.depth = 1;
  torch::manual_seed(21);
  Point4d fused(options, {});
  options.fused = false;
  torch::manual_seed(21);
  Point4d plain(options, {});
  plain.to(at::kDouble);
  StudentInput input = Stack(fused, {torch::randn({3, 512, 3}), torch::randn({3, 512, 3})});
  const std::vector<std::shared_ptr<GroupedChoices>> choices = {std::make_shared<GroupedChoices>(),
                                                                std::make_shared<GroupedChoices>()};
  SetChoices(fused, choices);
  const Tensor upstream = torch::randn({2, 3 * 64, 256});
  const Tensor got = fused.Forward(input).features;
  got.backward(upstream);
  input.points = input.points.to(at::kDouble);
  // A maximum is continuous: the values agree whoever chooses, the gradients with the same choices.
  const Tensor own = plain.Forward(input).features;
  EXPECT_LT(Difference(got.to(at::kDouble), own), 1e-4);
  ASSERT_EQ(choices[0]->passed.size(), 2u);
  SetChoices(plain, choices);
  plain.Forward(input).features.backward(upstream.to(at::kDouble));
  auto theirs = plain.named_parameters();
  for (const auto& item : fused.named_parameters()) {
    if (Cancels(item.key())) continue;
    const Tensor want = theirs[item.key()].grad(), difference = item.value().grad() - want;
    EXPECT_LT((difference.norm() / want.norm()).item<double>(), 1e-4) << item.key();
  }
}

/// The tokens `rows` [B, L'] of each clip.
Tensor Rows(const Tensor& tokens, const Tensor& rows) {
  return tokens.gather(1, rows.unsqueeze(2).expand({-1, -1, tokens.size(2)}));
}

TEST(Halves, GiveForwardAndItsGradients) {
  for (const char* attention : {"joint", "divided"}) {
    Options options = Small();
    options.attention = attention;
    torch::manual_seed(13);
    Point4d student(options, {});
    const StudentInput input = Stack(student, {torch::randn({3, 50, 3}), torch::randn({3, 50, 3})});
    for (const bool train : {false, true}) {
      student.train(train);
      const Tensor halves = student.Encode(student.Embed(input), input.centres, input.frames);
      EXPECT_TRUE(at::equal(halves, student.Forward(input).features)) << attention << train;
    }
  }
}

TEST(Halves, JointAttentionTakesTokensInAnyOrder) {
  torch::manual_seed(14);
  Point4d student(Small(), {});
  student.eval();
  const StudentInput input = Stack(student, {torch::randn({3, 50, 3})});
  const torch::NoGradGuard no_grad;
  const Tensor tokens = student.Embed(input), rows = torch::randperm(18).view({1, 18});
  const Tensor want = Rows(student.Encode(tokens, input.centres, input.frames), rows);
  const Tensor got =
      student.Encode(Rows(tokens, rows), Rows(input.centres, rows), input.frames.gather(1, rows));
  EXPECT_LT(Difference(got, want), 1e-5);
}

TEST(Halves, DividedAttentionSeesFramesAndRanks) {
  Options options = Small();
  options.attention = "divided";
  options.depth = 1;
  torch::manual_seed(15);
  Point4d student(options, {});
  student.eval();
  const StudentInput input = Stack(student, {torch::randn({3, 50, 3})});
  const torch::NoGradGuard no_grad;
  Tensor tokens = student.Embed(input);
  // Whole frames: the plain form and the masked one are the same function.
  TokenLayout masked = LayOut(input.frames.narrow(1, 0, 17), 6);
  EXPECT_EQ(masked.slots, 0);
  EXPECT_EQ(LayOut(input.frames, 6).slots, 6);
  // 17 of 18 tokens: frame 2 has ranks 0 to 4.
  EXPECT_EQ(masked.same_frame.sum().item<std::int64_t>(), 36 + 36 + 25);
  EXPECT_EQ(masked.same_slot.sum().item<std::int64_t>(), 5 * 9 + 4);
  Block block(BlockShape{24, 3, 32, true, true});
  masked = LayOut(input.frames, 7);
  EXPECT_EQ(masked.slots, 0);
  EXPECT_LT(Difference(block(tokens, masked), block(tokens, LayOut(input.frames, 6))), 1e-5);
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

TEST(Point4d, BatchNormNeedsTwoRows) {
  Options options = Small();
  options.centroids = {1, 1};
  options.k = {1, 1};
  torch::manual_seed(12);
  Point4d student(options, {});
  const StudentInput input = Stack(student, {torch::randn({1, 20, 3})});
  try {
    student.Forward(input);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("raise pretrain.batch"));
  }
  student.eval();
  EXPECT_TRUE(student.Forward(input).features.isfinite().all().item<bool>());
  student.train();
  EXPECT_NO_THROW(student.Forward(Stack(student, {torch::randn({2, 20, 3})})));
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
