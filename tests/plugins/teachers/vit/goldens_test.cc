// SPDX-License-Identifier: Apache-2.0
// Outputs of transformers (and of the original repositories) on tiny random models.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "tests/plugins/teachers/vit/cases.h"

namespace cross4d::vit_cases {
namespace {

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  if (OpenCases().empty()) return names;
  for (const auto& entry : fs::directory_iterator(OpenCases())) {
    if (fs::exists(entry.path() / "meta.json")) names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST(Goldens, EveryFamilyIsThere) {
  if (OpenCases().empty()) GTEST_SKIP() << "CROSS4D_TEST_DATA has no goldens/open";
  EXPECT_GE(CaseNames().size(), 9u);
}

class Golden : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    folder_ = OpenCases() / GetParam();
    meta_ = ReadJson(folder_ / "meta.json");
    atol_ = meta_["tolerance_fp32"]["atol"];
    rtol_ = meta_["tolerance_fp32"]["rtol"];
    frames_ = AsFrames(ReadTensor(folder_ / "input.safetensors", "pixel_values"));
  }

  void Compare(const std::string& what, const at::Tensor& actual, const at::Tensor& expected) {
    EXPECT_EQ(Difference(actual, expected, atol_, rtol_), "") << GetParam() << ", " << what;
  }

  fs::path folder_;
  nlohmann::json meta_;
  double atol_ = 0, rtol_ = 0;
  at::Tensor frames_;
};

TEST_P(Golden, LayerByLayerInFloat32) {
  const auto model = LoadFamily(meta_["family"], folder_, at::kFloat, vjepa2::PositionGrid::kCrop);
  const auto debug = tensorio::Checkpoint::Open(folder_ / "debug.safetensors");
  int seen = 0;
  const vit::Tokens tokens =
      model.Forward(frames_, [&](const std::string& name, const at::Tensor& state) {
        ++seen;
        Compare(name, state, tensorio::LoadTensor(*debug, name));
      });
  EXPECT_EQ(seen, static_cast<int>(debug->tensors().size()));
  const fs::path expected = folder_ / "expected.safetensors";
  Compare("last_hidden_state", tokens.hidden, ReadTensor(expected, "last_hidden_state"));
  at::Tensor patches = tokens.patches();
  const at::Tensor wanted = ReadTensor(expected, "patch_tokens");
  if (wanted.dim() == 4) patches = patches.squeeze(1);
  Compare("patch_tokens", patches, wanted);
}

// The rule of the original repository, where the file has it, and the default of the plugin.
TEST_P(Golden, InputsOwnGrid) {
  const auto expected = tensorio::Checkpoint::Open(folder_ / "expected.safetensors");
  const bool has = expected->tensors().count("last_hidden_state_true_grid") > 0;
  const std::string name = has ? "last_hidden_state_true_grid" : "last_hidden_state";
  const auto model = LoadFamily(meta_["family"], folder_);
  Compare(name, model.Forward(frames_).hidden, tensorio::LoadTensor(*expected, name));
}

// With the arithmetic of this processor and as one with bfloat16 would compute it.
TEST_P(Golden, Bfloat16StaysClose) {
  const at::Tensor expected = ReadTensor(folder_ / "expected.safetensors", "last_hidden_state");
  for (const bool widened : {true, false}) {
    auto model = LoadFamily(meta_["family"], folder_, at::kBFloat16, vjepa2::PositionGrid::kCrop);
    model.set_widened(widened);
    const at::Tensor actual = model.Forward(frames_).hidden;
    ASSERT_EQ(actual.scalar_type(), at::kFloat);
    EXPECT_GT(at::cosine_similarity(actual, expected, -1).min().item<double>(), 0.999)
        << GetParam() << ", widened " << widened;
  }
}

TEST_P(Golden, TeacherDoesNotDependOnBatchOrMemory) {
  const auto load = [&](double memory_gb) {
    return vit::VitTeacher(
        LoadFamily(meta_["family"], folder_, at::kFloat, vjepa2::PositionGrid::kCrop),
        {},
        memory_gb,
        "");
  };
  vit::VitTeacher many = load(0);
  const at::Tensor noise = at::randn(frames_.sizes(), at::detail::createCPUGenerator(7));
  const at::Tensor clips = at::cat({frames_, noise, frames_});
  const auto need = many.model().MemoryOf(clips);
  vit::VitTeacher one = load(static_cast<double>(need.Of(1) + 1000) * 1e-9);
  EXPECT_LT(one.ChunkOf(clips), clips.size(0));
  const at::Tensor hidden = many.EncodeHidden(clips);
  EXPECT_TRUE(at::equal(one.EncodeHidden(clips), hidden));
  EXPECT_TRUE(at::equal(many.EncodeHidden(frames_),
                        hidden.narrow(0, 0, hidden.size(0) / clips.size(0) * frames_.size(0))));
}

TEST_P(Golden, ClipsSideBySideHaveTheSameBits) {
  const int inside = at::get_num_threads();
  at::set_num_threads(1);
  const auto hidden = [&](int threads) {
    vit::VitTeacher teacher(
        LoadFamily(meta_["family"], folder_, at::kFloat, vjepa2::PositionGrid::kCrop),
        {},
        0,
        "",
        threads);
    return teacher.EncodeHidden(at::cat({frames_, frames_ * 0.5, frames_ * 2, -frames_}));
  };
  const at::Tensor one = hidden(1), three = hidden(3), many = hidden(64);
  at::set_num_threads(inside);
  EXPECT_TRUE(at::equal(one, three));
  EXPECT_TRUE(at::equal(one, many));
}

INSTANTIATE_TEST_SUITE_P(Open, Golden, testing::ValuesIn(CaseNames()), [](const auto& info) {
  return info.param;
});
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Golden);

}  // namespace
}  // namespace cross4d::vit_cases
