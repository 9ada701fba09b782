// SPDX-License-Identifier: Apache-2.0
// One model in the several layouts in which it is published, and what does not fit.
#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/plugins/teachers/vit/cases.h"

namespace cross4d::vit_cases {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

// Random tensors, the same for the same seed.
class Maker {
 public:
  at::Tensor operator()(at::IntArrayRef shape) { return at::randn(shape, generator_) * 0.3; }

 private:
  at::Generator generator_ = at::detail::createCPUGenerator(5);
};

class Models : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Config(const nlohmann::json& config) {
    std::ofstream(folder_ / "config.json") << config.dump();
  }
  static vit::WeightSource Source(const Tensors& tensors) {
    vit::WeightSource source{
        "weights.pth", {}, [tensors](const std::string& name) { return tensors.at(name); }};
    for (const auto& [name, tensor] : tensors) source.names.push_back(name);
    return source;
  }
  static std::string Refusal(const std::function<void()>& load) {
    try {
      load();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }

  fs::path folder_;
  Maker make_;
  const vit::Placement placement_;
};

// A linear layer or norm under two names.
void Both(Tensors* a,
          const std::string& name_a,
          Tensors* b,
          const std::string& name_b,
          Maker& make,
          at::IntArrayRef shape) {
  (*a)[name_a + ".weight"] = (*b)[name_b + ".weight"] = make(shape);
  (*a)[name_a + ".bias"] = (*b)[name_b + ".bias"] = make({shape[0]});
}

void FuseQkv(Tensors* original,
             const std::string& to,
             const Tensors& hf,
             const std::vector<std::string>& from) {
  std::vector<at::Tensor> weights, biases;
  for (const std::string& name : from) {
    weights.push_back(hf.at(name + ".weight"));
    biases.push_back(hf.count(name + ".bias") > 0 ? hf.at(name + ".bias")
                                                  : at::full({weights[0].size(0)}, 99.0));
  }
  (*original)[to + ".weight"] = at::cat(weights);
  (*original)[to + ".bias"] = at::cat(biases);
}

// DINOv2 with 128 channels (2 heads of 64), patch 4, a table of 3 x 3.
std::pair<Tensors, Tensors> Dinov2Tensors(Maker& make, bool gated, bool registers) {
  Tensors hf, original;
  const std::int64_t d = 128, hidden = gated ? (d * 4 * 2 / 3 + 7) / 8 * 8 : d * 4;
  const auto same = [&](const std::string& a, const std::string& b, at::IntArrayRef shape) {
    hf[a] = original[b] = make(shape);
  };
  same("embeddings.cls_token", "cls_token", {1, 1, d});
  same("embeddings.mask_token", "mask_token", {1, d});
  if (registers) same("embeddings.register_tokens", "register_tokens", {1, 4, d});
  same("embeddings.position_embeddings", "pos_embed", {1, 10, d});
  Both(&hf,
       "embeddings.patch_embeddings.projection",
       &original,
       "patch_embed.proj",
       make,
       {d, 3, 4, 4});
  for (int i = 0; i < 2; ++i) {
    const std::string a = "encoder.layer." + std::to_string(i) + ".";
    const std::string b = "blocks." + std::to_string(i) + ".";
    for (const char* n : {"norm1", "norm2"}) Both(&hf, a + n, &original, b + n, make, {d});
    Tensors unused;
    std::vector<std::string> qkv;
    for (const char* n : {"query", "key", "value"}) {
      qkv.push_back(a + "attention.attention." + n);
      Both(&hf, qkv.back(), &unused, n, make, {d, d});
    }
    FuseQkv(&original, b + "attn.qkv", hf, qkv);
    Both(&hf, a + "attention.output.dense", &original, b + "attn.proj", make, {d, d});
    same(a + "layer_scale1.lambda1", b + "ls1.gamma", {d});
    same(a + "layer_scale2.lambda1", b + "ls2.gamma", {d});
    Both(&hf,
         a + (gated ? "mlp.weights_in" : "mlp.fc1"),
         &original,
         b + (gated ? "mlp.w12" : "mlp.fc1"),
         make,
         {gated ? 2 * hidden : hidden, d});
    Both(&hf,
         a + (gated ? "mlp.weights_out" : "mlp.fc2"),
         &original,
         b + (gated ? "mlp.w3" : "mlp.fc2"),
         make,
         {d, hidden});
  }
  Both(&hf, "layernorm", &original, "norm", make, {d});
  return {hf, original};
}

nlohmann::json Dinov2Config(bool gated, bool registers) {
  return {{"model_type", registers ? "dinov2_with_registers" : "dinov2"},
          {"hidden_size", 128},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 2},
          {"image_size", 12},
          {"patch_size", 4},
          {"use_swiglu_ffn", gated},
          {"num_register_tokens", registers ? 4 : 0}};
}

TEST_F(Models, Dinov2LayoutsAgree) {
  for (const bool gated : {false, true}) {
    for (const bool registers : {false, true}) {
      const auto [hf, original] = Dinov2Tensors(make_, gated, registers);
      Config(Dinov2Config(gated, registers));
      const auto a = dinov2::LoadModel(Source(hf), folder_, placement_);
      const auto b = dinov2::LoadModel(Source(original), "nowhere", placement_);
      const at::Tensor frames = make_({2, 2, 3, 16, 21});
      const vit::Tokens tokens = a.Forward(frames);
      EXPECT_EQ(tokens.patches().sizes(), at::IntArrayRef({2, 2, 4, 5, 128}));
      EXPECT_EQ(Difference(b.Forward(frames).hidden, tokens.hidden, 1e-4, 1e-5), "");
    }
  }
}

TEST_F(Models, ClassifierPrefixIsAccepted) {
  auto [hf, original] = Dinov2Tensors(make_, false, false);
  Tensors prefixed;
  for (const auto& [name, tensor] : hf) prefixed["dinov2." + name] = tensor;
  prefixed["classifier.weight"] = make_({10, 256});
  Config(Dinov2Config(false, false));
  const at::Tensor frames = make_({1, 1, 3, 12, 12});
  const auto a = dinov2::LoadModel(Source(hf), folder_, placement_);
  const auto b = dinov2::LoadModel(Source(prefixed), folder_, placement_);
  EXPECT_EQ(Difference(b.Forward(frames).hidden, a.Forward(frames).hidden, 0, 0), "");
}

TEST_F(Models, WhatDoesNotFitIsNamed) {
  const auto [hf, original] = Dinov2Tensors(make_, false, false);
  Config(Dinov2Config(false, false));
  const auto load = [&](const Tensors& tensors) {
    return Refusal([&] { dinov2::LoadModel(Source(tensors), folder_, placement_); });
  };
  Tensors changed = hf;
  changed.erase("encoder.layer.1.norm2.bias");
  EXPECT_THAT(load(changed),
              testing::AllOf(testing::HasSubstr("encoder.layer.1.norm2.bias"),
                             testing::HasSubstr("weights.pth")));
  changed = hf;
  changed["encoder.layer.0.norm1.weight"] = make_({64});
  EXPECT_THAT(load(changed),
              testing::AllOf(testing::HasSubstr("[64]"), testing::HasSubstr("[128]")));
  changed = hf;
  changed["encoder.layer.0.extra"] = make_({1});
  EXPECT_THAT(load(changed), testing::HasSubstr("encoder.layer.0.extra"));
  changed = hf;
  changed["layernorm.bias"] = at::zeros({128}, at::kLong);
  EXPECT_THAT(load(changed), testing::HasSubstr("floating type"));
  EXPECT_THAT(load({{"something", make_({1})}}), testing::HasSubstr("something"));
  for (const auto& [key, value] : std::map<std::string, nlohmann::json>{
           {"hidden_size", "large"}, {"num_attention_heads", 0}, {"layer_norm_eps", -1}}) {
    nlohmann::json config = Dinov2Config(false, false);
    config[key] = value;
    Config(config);
    EXPECT_THAT(load(hf),
                testing::AllOf(testing::HasSubstr(key), testing::HasSubstr("config.json")));
  }
}

// DINOv3 with 128 channels, patch 4, 4 registers.
TEST_F(Models, Dinov3LayoutsAgree) {
  for (const bool gated : {false, true}) {
    Tensors hf, original;
    const std::int64_t d = 128, hidden = 256;
    hf["embeddings.cls_token"] = original["cls_token"] = make_({1, 1, d});
    hf["embeddings.mask_token"] = make_({1, 1, d});
    original["mask_token"] = make_({1, d});
    original["rope_embed.periods"] = make_({16});
    hf["embeddings.register_tokens"] = original["storage_tokens"] = make_({1, 4, d});
    Both(&hf, "embeddings.patch_embeddings", &original, "patch_embed.proj", make_, {d, 3, 4, 4});
    for (int i = 0; i < 2; ++i) {
      const std::string a = "layer." + std::to_string(i) + ".";
      const std::string b = "blocks." + std::to_string(i) + ".";
      for (const char* n : {"norm1", "norm2"}) Both(&hf, a + n, &original, b + n, make_, {d});
      Tensors unused;
      std::vector<std::string> qkv;
      for (const char* n : {"q", "k", "v"}) {
        qkv.push_back(a + "attention." + n + "_proj");
        Both(&hf, qkv.back(), &unused, n, make_, {d, d});
      }
      // The stored key bias of the original is masked out: FuseQkv puts 99 there.
      hf.erase(qkv[1] + ".bias");
      FuseQkv(&original, b + "attn.qkv", hf, qkv);
      original[b + "attn.qkv.bias_mask"] = make_({3 * d});
      Both(&hf, a + "attention.o_proj", &original, b + "attn.proj", make_, {d, d});
      hf[a + "layer_scale1.lambda1"] = original[b + "ls1.gamma"] = make_({d});
      hf[a + "layer_scale2.lambda1"] = original[b + "ls2.gamma"] = make_({d});
      if (gated) Both(&hf, a + "mlp.gate_proj", &original, b + "mlp.w1", make_, {hidden, d});
      Both(&hf,
           a + "mlp.up_proj",
           &original,
           b + (gated ? "mlp.w2" : "mlp.fc1"),
           make_,
           {hidden, d});
      Both(&hf,
           a + "mlp.down_proj",
           &original,
           b + (gated ? "mlp.w3" : "mlp.fc2"),
           make_,
           {d, hidden});
    }
    Both(&hf, "norm", &original, "norm", make_, {d});
    Config({{"model_type", "dinov3_vit"},
            {"hidden_size", d},
            {"intermediate_size", hidden},
            {"num_hidden_layers", 2},
            {"num_attention_heads", 2},
            {"patch_size", 4},
            {"num_register_tokens", 4},
            {"hidden_act", gated ? "silu" : "gelu"},
            {"use_gated_mlp", gated}});
    const auto a = dinov3::LoadModel(Source(hf), folder_, placement_);
    const auto b = dinov3::LoadModel(Source(original), "nowhere", placement_);
    Tensors moved;  // as the modules are called inside transformers 5
    for (const auto& [name, tensor] : hf) {
      moved[(name.starts_with("layer.") ? "model." : "") + name] = tensor;
    }
    const auto c = dinov3::LoadModel(Source(moved), folder_, placement_);
    const at::Tensor frames = make_({1, 2, 3, 12, 20});
    const at::Tensor hidden_states = a.Forward(frames).hidden;
    EXPECT_EQ(Difference(b.Forward(frames).hidden, hidden_states, 1e-4, 1e-5), "");
    EXPECT_EQ(Difference(c.Forward(frames).hidden, hidden_states, 0, 0), "");
  }
}

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
