// SPDX-License-Identifier: Apache-2.0
// Odd and damaged checkpoints: each is read rightly or refused with a message, as edge.json says.
#include <cross4d/sdk/error.h>

#include <gtest/gtest.h>

#include "tests/plugins/teachers/vit/cases.h"

namespace cross4d::vit_cases {
namespace {

fs::path Edge() {
  const fs::path open = OpenCases();
  return open.empty() ? open : open / "safetensors_edge";
}

// Reads every tensor of a file, or builds the model of a folder.
void Load(const fs::path& path) {
  if (fs::is_directory(path)) {
    LoadFamily("dinov2", path);
    return;
  }
  const auto checkpoint = tensorio::Checkpoint::Open(path);
  for (const std::string& name : checkpoint->names()) tensorio::LoadTensor(*checkpoint, name);
}

TEST(SafetensorsEdge, BadFilesAreRefusedByName) {
  if (Edge().empty()) GTEST_SKIP() << "CROSS4D_TEST_DATA has no goldens/open";
  int refused = 0;
  const auto edges = ReadJson(Edge() / "edge.json");
  for (const auto& edge : edges["cases"]) {
    if (edge["must"] != "error") continue;
    std::string file = edge["file"];
    if (file.ends_with('/')) file.pop_back();
    std::string message;
    try {
      Load(Edge() / file);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInput) << file;
      message = e.what();
    }
    EXPECT_NE(message.find(fs::path(file).filename().string()), std::string::npos)
        << file << ": " << edge["why"] << "\n  message: " << message;
    refused += message.empty() ? 0 : 1;
  }
  EXPECT_GE(refused, 48);
}

std::string Message(const std::string& file) {
  try {
    Load(Edge() / file);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(SafetensorsEdge, MessagesNameWhatIsWrong) {
  if (Edge().empty()) GTEST_SKIP() << "CROSS4D_TEST_DATA has no goldens/open";
  const std::pair<const char*, std::vector<const char*>> cases[] = {
      {"bad/is_lfs_pointer.safetensors", {"git-lfs pointer"}},
      {"bad/is_zip_pickle.safetensors", {"zip"}},
      {"bad/tensor_missing", {"encoder.layer.1.mlp.fc2.weight"}},
      {"bad/tensor_wrong_shape",
       {"encoder.layer.0.attention.attention.query.weight", "[8, 4]", "[8, 8]"}},
      {"bad/config_more_layers", {"encoder.layer.2."}},
      {"bad/config_fewer_layers", {"encoder.layer.1."}},
      {"bad/config_heads_do_not_divide", {"3 attention heads"}},
      {"bad/config_unknown_model_type", {"dinov9"}},
      {"bad/config_unknown_activation", {"quick_gelu"}},
      {"bad/shard_missing", {"model-00002-of-00002.safetensors"}},
      {"bad/index_escapes_folder", {"plain file name"}},
      {"bad/index_not_json", {"not valid JSON"}},
      {"bad/index_wrong_shard", {"model-00001-of-00002.safetensors"}}};
  for (const auto& [file, parts] : cases) {
    const std::string message = Message(file);
    for (const char* part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << file << ": " << message;
    }
  }
}

TEST(SafetensorsEdge, GoodModelsGiveTheirOutputs) {
  if (Edge().empty()) GTEST_SKIP() << "CROSS4D_TEST_DATA has no goldens/open";
  for (const char* name : {"bf16", "f16", "mixed", "sharded"}) {
    const fs::path folder = Edge() / "good" / name;
    const auto model = LoadFamily("dinov2", folder);
    const at::Tensor frames = AsFrames(ReadTensor(folder / "input.safetensors", "pixel_values"));
    const nlohmann::json tolerance = ReadJson(folder / "meta.json")["tolerance_fp32"];
    EXPECT_EQ(Difference(model.Forward(frames).hidden,
                         ReadTensor(folder / "expected.safetensors", "last_hidden_state"),
                         tolerance["atol"],
                         tolerance["rtol"]),
              "")
        << name;
  }
}

TEST(SafetensorsEdge, EveryTypeHasItsValues) {
  if (Edge().empty()) GTEST_SKIP() << "CROSS4D_TEST_DATA has no goldens/open";
  const auto checkpoint = tensorio::Checkpoint::Open(Edge() / "good" / "types.safetensors");
  const nlohmann::json expected = ReadJson(Edge() / "good" / "types.json");
  EXPECT_EQ(checkpoint->tensors().size(), expected.size());
  for (const auto& [name, entry] : expected.items()) {
    const at::Tensor tensor = tensorio::LoadTensor(*checkpoint, name);
    EXPECT_EQ(tensor.sizes().vec(), entry["shape"].get<std::vector<std::int64_t>>()) << name;
    const at::Tensor flat = tensor.flatten().to(at::kDouble);
    const std::vector<double> values = entry["values"];
    ASSERT_EQ(flat.numel(), static_cast<std::int64_t>(values.size())) << name;
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(flat[static_cast<std::int64_t>(i)].item<double>(), values[i]) << name << " " << i;
    }
  }
}

TEST(SafetensorsEdge, UnalignedAndEmptyFilesLoad) {
  if (Edge().empty()) GTEST_SKIP() << "CROSS4D_TEST_DATA has no goldens/open";
  const at::Tensor x = ReadTensor(Edge() / "good" / "unaligned.safetensors", "x");
  EXPECT_EQ(x[0].item<float>(), 1.25f);
  EXPECT_EQ(x[1].item<float>(), -3.5f);
  EXPECT_TRUE(
      tensorio::Checkpoint::Open(Edge() / "good" / "no_tensors.safetensors")->tensors().empty());
}

}  // namespace
}  // namespace cross4d::vit_cases
