// SPDX-License-Identifier: Apache-2.0
// A checkpoint is never in memory twice, and half as large in bfloat16.
#include <gtest/gtest.h>

#include "tests/plugins/teachers/vit/cases.h"

namespace cross4d::vit_cases {
namespace {

constexpr std::int64_t kWide = 1024, kLayers = 4;

nlohmann::json WideConfig() {
  return {{"model_type", "dinov2"},
          {"hidden_size", kWide},
          {"num_hidden_layers", kLayers},
          {"num_attention_heads", 16},
          {"image_size", 28},
          {"patch_size", 14}};
}

std::vector<tensorio::TensorDecl> WideTensors() {
  std::vector<tensorio::TensorDecl> tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    tensors.push_back({name, tensorio::DType::kF32, std::move(shape)});
  };
  const auto layer = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    add(name + ".weight", in == 0 ? std::vector<std::int64_t>{out} : std::vector{out, in});
    add(name + ".bias", {out});
  };
  add("embeddings.cls_token", {1, 1, kWide});
  add("embeddings.position_embeddings", {1, 5, kWide});
  add("embeddings.patch_embeddings.projection.weight", {kWide, 3, 14, 14});
  add("embeddings.patch_embeddings.projection.bias", {kWide});
  for (std::int64_t i = 0; i < kLayers; ++i) {
    const std::string block = "encoder.layer." + std::to_string(i) + ".";
    for (const char* name : {"norm1", "norm2"}) layer(block + name, kWide, 0);
    for (const char* name : {"query", "key", "value"}) {
      layer(block + "attention.attention." + name, kWide, kWide);
    }
    layer(block + "attention.output.dense", kWide, kWide);
    for (const char* name : {"layer_scale1", "layer_scale2"}) {
      add(block + name + ".lambda1", {kWide});
    }
    layer(block + "mlp.fc1", 4 * kWide, kWide);
    layer(block + "mlp.fc2", kWide, 4 * kWide);
  }
  layer("layernorm", kWide, 0);
  return tensors;
}

// Bytes of the file.
std::uint64_t WriteWideModel(const fs::path& folder) {
  fs::create_directories(folder);
  std::ofstream(folder / "config.json") << WideConfig();
  const std::vector<tensorio::TensorDecl> tensors = WideTensors();
  tensorio::SafetensorsWriter writer(folder / "model.safetensors", tensors);
  const at::Generator generator = at::detail::createCPUGenerator(3);
  for (const auto& tensor : tensors) {
    writer.Write(tensor.name, tensorio::BytesOf(at::randn(tensor.shape, generator) * 0.02));
  }
  writer.Finish();
  return fs::file_size(folder / "model.safetensors");
}

// "VmHWM" or "VmRSS" of this process [bytes].
std::uint64_t Status(const std::string& key) {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;) {
    std::uint64_t kib = 0;
    if (word == key + ":" && in >> kib) return kib * 1024;
  }
  return 0;
}

// How far the memory rises above where it is while a model is loaded and run.
double Rise(const fs::path& weights, at::ScalarType dtype) {
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts anew
  const std::uint64_t before = Status("VmRSS");
  const auto model = LoadFamily("dinov2", weights, dtype);
  EXPECT_TRUE(model.Forward(at::zeros({2, 1, 3, 28, 28})).hidden.isfinite().all().item<bool>());
  return static_cast<double>(Status("VmHWM")) - static_cast<double>(before);
}

TEST(Memory, WeightsAreInItOnce) {
  const fs::path folder = fs::path(testing::TempDir()) / "wide_model";
  const auto bytes = static_cast<double>(WriteWideModel(folder));
  Rise(folder, at::kFloat);  // what LibTorch sets up once
  EXPECT_LT(Rise(folder, at::kFloat) / bytes, 1.3);
  // Half of it, and on a processor without bfloat16 one of the four blocks in float32.
  EXPECT_LT(Rise(folder, at::kBFloat16) / bytes, 0.95);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace cross4d::vit_cases
