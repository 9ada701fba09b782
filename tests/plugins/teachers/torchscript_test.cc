// SPDX-License-Identifier: Apache-2.0
// Modules made on the spot, run through the built plugin.
#include "core/base/file.h"
#include "core/plugin/load.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/teacher.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>

#include <fstream>
#include <memory>
#include <string>

#include "tests/support/temp_folder.h"

namespace cross4d {
namespace {

using ::testing::HasSubstr;

constexpr const char* kImage = R"(
def forward(self, x):
    b, c, h, w = x.shape
    y = x.reshape([b, c, h // 4, 4, w // 4, 4]).mean(5).mean(3)
    return y.flatten(2).transpose(1, 2)
)";
constexpr const char* kImageConfig =
    R"({"dim": 3, "patch": 4, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]})";

class TorchScriptTest : public ::testing::Test {
 protected:
  /// Saves a module with this forward and its description; the teacher that runs it.
  std::unique_ptr<Teacher> Make(const std::string& forward, const std::string& config) {
    torch::jit::Module module("Tokens");
    module.define(forward);
    module.save(File());
    std::ofstream(folder_ / "m.json") << config;
    return Load();
  }
  std::unique_ptr<Teacher> Load(std::int64_t batch = 2) const {
    const auto file = base::ExecutablePath().parent_path().parent_path() /
                      "lib/cross4d/plugins/cross4d_teacher_torchscript.so";
    return plugin::CreateTeacher(plugin::LoadFile(file.string(), {}),
                                 {{"weights", File()}, {"batch", batch}},
                                 {1, "cpu", [](std::string_view) {}});
  }
  std::string File() const { return (folder_ / "m.pt").string(); }
  template <class Work>
  static std::string Problem(Work work) {
    try {
      work();
    } catch (const Error& e) {
      return e.message();
    }
    return "accepted";
  }

  test::TempFolder folder_;
};

TEST_F(TorchScriptTest, AnImageModelSeesEveryFrameByItself) {
  const auto teacher = Make(kImage, kImageConfig);
  EXPECT_EQ(teacher->traits().dim, 3);
  EXPECT_EQ(teacher->traits().patch, 4);
  EXPECT_FLOAT_EQ(teacher->traits().std[1], 0.25F);
  const torch::Tensor frames = torch::arange(2. * 3 * 3 * 8 * 12).reshape({2, 3, 3, 8, 12});
  const torch::Tensor tokens = teacher->Encode(frames);
  const torch::Tensor expected =
      frames.reshape({2, 3, 3, 2, 4, 3, 4}).mean(6).mean(4).permute({0, 1, 3, 4, 2});
  ASSERT_EQ(tokens.sizes(), expected.sizes());
  EXPECT_TRUE(torch::allclose(tokens, expected));
}

TEST_F(TorchScriptTest, AVideoModelSeesTheClip) {
  const auto teacher =
      Make(R"(
def forward(self, x):
    b, t, c, h, w = x.shape
    y = x.reshape([b, t // 2, 2, c, h // 4, 4, w // 4, 4]).mean(7).mean(5).mean(2)
    return y.permute([0, 1, 3, 4, 2])
)",
           R"({"dim": 3, "patch": 4, "tubelet": 2, "mean": [0, 0, 0], "std": [1, 1, 1]})");
  const torch::Tensor tokens = teacher->Encode(torch::ones({3, 4, 3, 8, 8}));
  EXPECT_EQ(tokens.sizes(), (std::vector<std::int64_t>{3, 2, 2, 2, 3}));
}

TEST_F(TorchScriptTest, TheFingerprintFollowsTheFile) {
  const std::string first = Make(kImage, kImageConfig)->Fingerprint();
  EXPECT_EQ(Load()->Fingerprint(), first);
  EXPECT_NE(Make("def forward(self, x):\n    return x * 2\n", kImageConfig)->Fingerprint(), first);
}

TEST_F(TorchScriptTest, WhatDoesNotFitIsSaid) {
  const torch::Tensor frames = torch::zeros({1, 1, 3, 8, 8});
  EXPECT_THAT(
      Problem([&] { Make("def forward(self, x):\n    return x\n", kImageConfig)->Encode(frames); }),
      HasSubstr("returned a tensor of shape [1, 3, 8, 8], expected 1 x 4 patch tokens"));
  EXPECT_THAT(
      Problem([&] {
        Make("def forward(self, x):\n    return x.reshape([7])\n", kImageConfig)->Encode(frames);
      }),
      HasSubstr("its forward failed"));
  EXPECT_THAT(Problem([&] {
                Make(kImage,
                     R"({"dim": 3, "patch": 4, "size": 16, "mean": [0, 0, 0], "std": [1, 1, 1]})")
                    ->Encode(frames);
              }),
              HasSubstr("takes images of 16 x 16 pixels only, got 8 x 8"));
  EXPECT_THAT(Problem([&] { Make(kImage, R"({"dim": 3, "patch": 4})"); }), HasSubstr("mean"));
  std::filesystem::remove(folder_ / "m.json");
  EXPECT_THAT(Problem([&] { Load(); }), HasSubstr("m.json"));
  std::ofstream(folder_ / "m.json") << kImageConfig;
  std::ofstream(File()) << "this is no module";
  EXPECT_THAT(Problem([&] { Load(); }), HasSubstr("m.pt"));
}

}  // namespace
}  // namespace cross4d
