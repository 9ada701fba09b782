// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include "core/vit/config_file.h"

#include <utility>

namespace dinov3 {
namespace {

using namespace cross4d::vit;

struct Layout {
  std::string registers, patches, blocks;
  BlockNames block;
};

Layout HuggingFaceLayout(bool gated) {
  Layout layout{"embeddings.register_tokens", "embeddings.patch_embeddings", "layer.", {}};
  BlockNames& b = layout.block;
  b.norm1 = "norm1";
  b.norm2 = "norm2";
  b.query = "attention.q_proj";
  b.key = "attention.k_proj";
  b.value = "attention.v_proj";
  b.out = "attention.o_proj";
  b.scale1 = "layer_scale1.lambda1";
  b.scale2 = "layer_scale2.lambda1";
  b.gate = gated ? "mlp.gate_proj" : "";
  b.up = "mlp.up_proj";
  b.down = "mlp.down_proj";
  return layout;
}

Layout OriginalLayout(bool gated) {
  Layout layout{"storage_tokens", "patch_embed.proj", "blocks.", {}};
  BlockNames& b = layout.block;
  b.norm1 = "norm1";
  b.norm2 = "norm2";
  b.qkv = "attn.qkv";
  b.out = "attn.proj";
  b.scale1 = "ls1.gamma";
  b.scale2 = "ls2.gamma";
  b.gate = gated ? "mlp.w1" : "";
  b.up = gated ? "mlp.w2" : "mlp.fc1";
  b.down = gated ? "mlp.w3" : "mlp.fc2";
  return layout;
}

// What every DINOv3 ViT has.
Architecture Common() {
  Architecture arch;
  arch.class_token = true;
  arch.positions = Positions::kAxialRotary;
  return arch;
}

Architecture ReadConfig(const ConfigFile& config) {
  const std::string type = config.Text("model_type", "");
  if (type != "dinov3_vit") config.Fail("model_type", "is '" + type + "', expected dinov3_vit");
  RequireThreeChannels(config, "num_channels");
  Architecture arch = Common();
  arch.dim = config.Size("hidden_size", 384);
  arch.hidden = config.Size("intermediate_size", 1536);
  arch.layers = config.Size("num_hidden_layers", 12);
  arch.heads = config.Size("num_attention_heads", 6);
  arch.patch = config.Size("patch_size", 16);
  arch.registers = config.Count("num_register_tokens", 0);
  arch.norm_eps = config.Real("layer_norm_eps", 1e-5);
  arch.activation = ReadActivation(config);
  arch.gated = config.Flag("use_gated_mlp", false);
  arch.rope_theta = config.Real("rope_theta", 100.0);
  arch.Check(config.name());
  return arch;
}

BlockBiases ReadBiases(const ConfigFile& config) {
  BlockBiases biases;
  biases.query = config.Flag("query_bias", true);
  biases.key = config.Flag("key_bias", false);
  biases.value = config.Flag("value_bias", true);
  biases.out = config.Flag("proj_bias", true);
  biases.mlp = config.Flag("mlp_bias", true);
  return biases;
}

Architecture ReadTensors(const WeightReader& reader) {
  Architecture arch = Common();
  arch.dim = reader.Shape("cls_token", 3)[2];
  arch.layers = reader.Count("blocks.", ".norm1.weight");
  // 64 channels per head, 128 in the 7B model.
  arch.heads = std::max<std::int64_t>(arch.dim / (arch.dim == 4096 ? 128 : 64), 1);
  arch.patch = reader.Shape("patch_embed.proj.weight", 4)[2];
  arch.registers = reader.Has("storage_tokens") ? reader.Shape("storage_tokens", 3)[1] : 0;
  arch.norm_eps = 1e-5;
  arch.rope_theta = 100.0;
  arch.gated = reader.Has("blocks.0.mlp.w1.weight");
  if (arch.gated) arch.activation = Activation::kSilu;
  arch.hidden =
      reader.Shape(arch.gated ? "blocks.0.mlp.w1.weight" : "blocks.0.mlp.fc1.weight", 2)[0];
  arch.Check(reader.where());
  return arch;
}

VisionTransformer Load(WeightReader& reader,
                       const Architecture& arch,
                       const Layout& layout,
                       const std::string& class_token,
                       const BlockBiases& biases,
                       const Placement& placement) {
  Parameters p;
  p.class_token = reader.Float(class_token, {1, 1, arch.dim}).to(placement.device);
  if (arch.registers > 0) {
    p.registers =
        reader.Float(layout.registers, {1, arch.registers, arch.dim}).to(placement.device);
  }
  p.patches = LoadPatches(reader, layout.patches, arch, placement);
  p.blocks = LoadBlocks(reader, arch, layout.blocks, layout.block, biases, placement);
  p.final_norm = LoadNorm(reader, "norm", arch, placement);
  reader.Finish();
  return VisionTransformer(arch, std::move(p));
}

}  // namespace

VisionTransformer LoadModel(WeightSource source,
                            const std::filesystem::path& folder,
                            const Placement& placement) {
  const std::initializer_list<std::string> original{"", "model.", "module.", "teacher.backbone."};
  if (HasTensor(source, original, "patch_embed.proj.weight")) {
    WeightReader reader(std::move(source), original, "patch_embed.proj.weight");
    const Architecture arch = ReadTensors(reader);
    BlockBiases biases;
    biases.query = reader.Has("blocks.0.attn.qkv.bias");
    biases.key =
        false;  // bias_mask sets the key's third to zero; what the file holds there means nothing
    for (std::int64_t i = 0; i < arch.layers; ++i) {
      reader.Ignore({"blocks." + std::to_string(i) + ".attn.qkv.bias_mask"});
    }
    reader.Ignore({"mask_token", "rope_embed.periods", "local_cls_norm."});
    return Load(reader, arch, OriginalLayout(arch.gated), "cls_token", biases, placement);
  }
  const ConfigFile config = ConfigFile::Read(folder / "config.json");
  const Architecture arch = ReadConfig(config);
  WeightReader reader(
      std::move(source), {"", "model.", "dinov3_vit."}, "embeddings.patch_embeddings.weight");
  reader.Ignore({"embeddings.mask_token"});
  // Some releases name the stack of blocks model.layer, others layer.
  Layout layout = HuggingFaceLayout(arch.gated);
  if (reader.Has("model.layer.0.norm1.weight")) layout.blocks = "model.layer.";
  return Load(reader, arch, layout, "embeddings.cls_token", ReadBiases(config), placement);
}

}  // namespace dinov3
