// SPDX-License-Identifier: Apache-2.0
// One model in the several layouts in which it is published, and what does not fit.
#include "tests/plugins/teachers/vit/models.h"

namespace cross4d::vit_cases {
namespace {

// V-JEPA 2 with 128 channels (16 heads of 8), patch 4, tubelet 2.
Tensors Vjepa2Tensors(Maker& make) {
  Tensors hf, unused;
  const std::int64_t d = 128;
  Both(&hf, "encoder.embeddings.patch_embeddings.proj", &unused, "p", make, {d, 3, 2, 4, 4});
  const std::string a = "encoder.layer.0.";
  for (const char* n : {"norm1", "norm2"}) Both(&hf, a + n, &unused, n, make, {d});
  for (const char* n : {"query", "key", "value", "proj"}) {
    Both(&hf, a + "attention." + n, &unused, n, make, {d, d});
  }
  Both(&hf, a + "mlp.fc1", &unused, "u", make, {4 * d, d});
  Both(&hf, a + "mlp.fc2", &unused, "v", make, {d, 4 * d});
  Both(&hf, "encoder.layernorm", &unused, "n", make, {d});
  hf["predictor.proj.weight"] = make({3});
  return hf;
}

nlohmann::json Vjepa2Config() {
  return {{"model_type", "vjepa2"},
          {"hidden_size", 128},
          {"num_hidden_layers", 1},
          {"num_attention_heads", 16},
          {"patch_size", 4},
          {"crop_size", 8}};
}

TEST_F(Models, Vjepa2LayoutsAgree) {
  const Tensors hf = Vjepa2Tensors(make_);
  Tensors original;
  const std::string to = "encoder.module.backbone.";
  for (const auto& [name, tensor] : hf) {
    std::string n = name;
    const auto swap = [&n](const std::string& from, const std::string& with) {
      if (const auto at = n.find(from); at != std::string::npos) n.replace(at, from.size(), with);
    };
    swap("encoder.embeddings.patch_embeddings.proj", "patch_embed.proj");
    swap("encoder.layer.", "blocks.");
    swap("encoder.layernorm", "norm");
    swap("attention.proj", "attn.proj");
    if (n.find("attention.") == std::string::npos && !n.starts_with("predictor"))
      original[to + n] = tensor;
  }
  FuseQkv(&original,
          to + "blocks.0.attn.qkv",
          hf,
          {"encoder.layer.0.attention.query",
           "encoder.layer.0.attention.key",
           "encoder.layer.0.attention.value"});
  original["target_encoder.module.backbone.norm.weight"] = make_({64});
  original["opt.state.0.exp_avg"] = make_({64});
  Config(Vjepa2Config());
  const auto grid = vjepa2::PositionGrid::kInput;
  const auto a = vjepa2::LoadModel(Source(hf), folder_, grid, placement_);
  const auto b = vjepa2::LoadModel(Source(original), "nowhere", grid, placement_);
  const at::Tensor frames = make_({1, 5, 3, 8, 12});
  const vit::Tokens tokens = a.Forward(frames);
  EXPECT_EQ(tokens.patches().sizes(), at::IntArrayRef({1, 2, 2, 3, 128}));
  EXPECT_EQ(Difference(b.Forward(frames).hidden, tokens.hidden, 1e-4, 1e-5), "");
  // One frame counts as a tubelet of equal frames.
  const at::Tensor frame = make_({1, 1, 3, 8, 8});
  EXPECT_EQ(
      Difference(a.Forward(frame).hidden, a.Forward(frame.repeat({1, 2, 1, 1, 1})).hidden, 0, 0),
      "");
}

// The two rules of positions agree on inputs of the crop's size only, whatever the clip's length.
TEST_F(Models, Vjepa2PositionGridMattersForOtherSizesOnly) {
  const Tensors hf = Vjepa2Tensors(make_);
  Config(Vjepa2Config());
  const auto input =
      vjepa2::LoadModel(Source(hf), folder_, vjepa2::PositionGrid::kInput, placement_);
  const auto crop = vjepa2::LoadModel(Source(hf), folder_, vjepa2::PositionGrid::kCrop, placement_);
  for (const std::int64_t time : {2, 7}) {
    const at::Tensor square = make_({1, time, 3, 8, 8}), wide = make_({1, time, 3, 8, 16});
    EXPECT_TRUE(at::equal(input.Forward(square).hidden, crop.Forward(square).hidden)) << time;
    EXPECT_FALSE(at::allclose(input.Forward(wide).hidden, crop.Forward(wide).hidden)) << time;
  }
}

TEST_F(Models, TooLittleMemoryForOneClipIsRefused) {
  Config(Vjepa2Config());
  const Tensors hf = Vjepa2Tensors(make_);
  const auto load = [&] {
    return vjepa2::LoadModel(Source(hf), folder_, vjepa2::PositionGrid::kInput, placement_);
  };
  vit::VitTeacher teacher(load(), {}, 1e-6, "");
  EXPECT_THAT(Refusal([&] {
                teacher.Encode(at::zeros({2, 4, 3, 16, 16}));
              }),
              testing::HasSubstr("memory_gb"));
  EXPECT_THAT(Refusal([&] {
                teacher.Encode(at::zeros({0, 4, 3, 16, 16}));
              }),
              testing::HasSubstr("empty batch"));
}

TEST_F(Models, Vjepa21IsRefused) {
  const Tensors hf = Vjepa2Tensors(make_);
  for (const auto& [key, value] :
       std::map<std::string, nlohmann::json>{{"use_rope_interleave", true},
                                             {"hierarchical_layers", {1, 2}},
                                             {"teacher_embed_dim", 64}}) {
    nlohmann::json config = Vjepa2Config();
    config[key] = value;
    Config(config);
    const std::string message = Refusal(
        [&] { vjepa2::LoadModel(Source(hf), folder_, vjepa2::PositionGrid::kInput, placement_); });
    EXPECT_THAT(message, testing::AllOf(testing::HasSubstr(key), testing::HasSubstr("V-JEPA 2.1")));
    config[key] = nullptr;
    config["use_rope_interleave"] = false;
    Config(config);
    EXPECT_NO_THROW(
        vjepa2::LoadModel(Source(hf), folder_, vjepa2::PositionGrid::kInput, placement_));
  }
}

// VideoMAE with 384 channels (6 heads), patch 16, 16 frames of 224 as the original files imply.
std::pair<Tensors, Tensors> VideoMaeTensors(Maker& make, bool norm) {
  Tensors hf, original;
  const std::int64_t d = 384;
  Both(&hf,
       "videomae.embeddings.patch_embeddings.projection",
       &original,
       "module.patch_embed.proj",
       make,
       {d, 3, 2, 16, 16});
  const std::string a = "videomae.encoder.layer.0.", b = "module.blocks.0.";
  Both(&hf, a + "layernorm_before", &original, b + "norm1", make, {d});
  Both(&hf, a + "layernorm_after", &original, b + "norm2", make, {d});
  std::vector<at::Tensor> rows;
  for (const char* n : {"query", "key", "value"}) {
    rows.push_back(hf[a + "attention.attention." + n + ".weight"] = make({d, d}));
  }
  original[b + "attn.qkv.weight"] = at::cat(rows);
  for (const char* n : {"q_bias", "v_bias"}) {
    hf[a + "attention.attention." + n] = original[b + "attn." + n] = make({d});
  }
  Both(&hf, a + "attention.output.dense", &original, b + "attn.proj", make, {d, d});
  Both(&hf, a + "intermediate.dense", &original, b + "mlp.fc1", make, {4 * d, d});
  Both(&hf, a + "output.dense", &original, b + "mlp.fc2", make, {d, 4 * d});
  Tensors unused;
  if (norm) {
    Both(&hf, "videomae.layernorm", &original, "module.norm", make, {d});
  } else {
    Both(&hf, "fc_norm", &original, "module.fc_norm", make, {d});
  }
  Both(&hf, "classifier", &original, "module.head", make, {10, d});
  return {hf, original};
}

nlohmann::json VideoMaeConfig(bool norm) {
  return {{"model_type", "videomae"},
          {"hidden_size", 384},
          {"num_hidden_layers", 1},
          {"num_attention_heads", 6},
          {"intermediate_size", 1536},
          {"layer_norm_eps", 1e-6},
          {"use_mean_pooling", !norm}};
}

TEST_F(Models, VideoMaeLayoutsAgree) {
  const at::Tensor frames = make_({1, 16, 3, 224, 224});
  for (const bool norm : {true, false}) {
    const auto [hf, original] = VideoMaeTensors(make_, norm);
    Config(VideoMaeConfig(norm));
    const auto a = videomae::LoadModel(Source(hf), folder_, placement_);
    const auto b = videomae::LoadModel(Source(original), "nowhere", placement_);
    EXPECT_EQ(Difference(b.Forward(frames).hidden, a.Forward(frames).hidden, 1e-4, 1e-5), "");
    Config(VideoMaeConfig(!norm));
    EXPECT_THAT(Refusal([&] { videomae::LoadModel(Source(hf), folder_, placement_); }),
                testing::HasSubstr("layernorm"));
  }
}

TEST_F(Models, VideoMaeTakesItsOwnSizeOnly) {
  const auto [hf, original] = VideoMaeTensors(make_, true);
  Config(VideoMaeConfig(true));
  const auto model = videomae::LoadModel(Source(hf), folder_, placement_);
  EXPECT_THAT(Refusal([&] {
                model.Forward(at::zeros({1, 8, 3, 224, 224}));
              }),
              testing::HasSubstr("16 frames"));
  EXPECT_THAT(Refusal([&] {
                model.Forward(at::zeros({1, 16, 3, 112, 224}));
              }),
              testing::HasSubstr("224 x 224"));
}

TEST_F(Models, VideoMaeVersion2VariantsAreRefused) {
  const auto [hf, original] = VideoMaeTensors(make_, false);
  for (const auto& [key, value] : std::map<std::string, nlohmann::json>{
           {"cos_attn", true}, {"use_learnable_pos_emb", true}, {"init_values", 0.1}}) {
    nlohmann::json config{{"embed_dim", 384}, {"depth", 1}, {"num_heads", 6}};
    config[key] = value;
    Config({{"model_config", config}});
    EXPECT_THAT(Refusal([&] { videomae::LoadModel(Source(original), folder_, placement_); }),
                testing::HasSubstr(key));
  }
}

TEST_F(Models, NormalisationIsReadFromThePreprocessor) {
  EXPECT_EQ(vit::ReadNormalisation(folder_).mean[0], 0.485);
  std::ofstream(folder_ / "preprocessor_config.json")
      << R"({"image_mean": [0.43, 0.411, 0.296], "image_std": [0.213, 0.156, 0.143]})";
  EXPECT_EQ(vit::ReadNormalisation(folder_).mean[2], 0.296);
  EXPECT_EQ(vit::ReadNormalisation(folder_).std[0], 0.213);
  std::ofstream(folder_ / "preprocessor_config.json") << R"({"image_std": [0.2, 0, 0.1]})";
  EXPECT_THAT(Refusal([&] { vit::ReadNormalisation(folder_); }), testing::HasSubstr("image_std"));
}

}  // namespace
}  // namespace cross4d::vit_cases
