// SPDX-License-Identifier: Apache-2.0
// One model in the several layouts in which it is published, and what does not fit.
#include "tests/plugins/teachers/vit/models.h"

namespace cross4d::vit_cases {
namespace {

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
  // A matrix that is only read when it is used is checked when it is loaded.
  changed = hf;
  changed.erase("encoder.layer.1.mlp.fc2.weight");
  EXPECT_THAT(load(changed),
              testing::AllOf(testing::HasSubstr("encoder.layer.1.mlp.fc2.weight"),
                             testing::HasSubstr("weights.pth")));
  changed = hf;
  changed["encoder.layer.0.mlp.fc1.weight"] = make_({512, 64});
  EXPECT_THAT(load(changed),
              testing::AllOf(testing::HasSubstr("[512, 64]"), testing::HasSubstr("[512, 128]")));
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
  for (const auto& [key, value] :
       std::map<std::string, nlohmann::json>{{"hidden_size", "large"},
                                             {"num_attention_heads", 0},
                                             {"layer_norm_eps", -1},
                                             {"hidden_act", "gelu_new"}}) {
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

}  // namespace
}  // namespace cross4d::vit_cases
