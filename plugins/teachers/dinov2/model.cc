// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include "core/vit/config_file.h"

#include <cmath>
#include <utility>

namespace dinov2 {
namespace {

using namespace cross4d::vit;

// SwiGLU's inner channels: two thirds of the MLP's, up to a multiple of 8.
std::int64_t GatedChannels(std::int64_t hidden) { return (hidden * 2 / 3 + 7) / 8 * 8; }

struct Layout {
  std::string class_token, registers, mask, positions, patches, blocks, final_norm;
  BlockNames block;
};

Layout HuggingFaceLayout(bool gated) {
  Layout layout{"embeddings.cls_token",
                "embeddings.register_tokens",
                "embeddings.mask_token",
                "embeddings.position_embeddings",
                "embeddings.patch_embeddings.projection",
                "encoder.layer.",
                "layernorm",
                {}};
  BlockNames& b = layout.block;
  b.norm1 = "norm1";
  b.norm2 = "norm2";
  b.query = "attention.attention.query";
  b.key = "attention.attention.key";
  b.value = "attention.attention.value";
  b.out = "attention.output.dense";
  b.scale1 = "layer_scale1.lambda1";
  b.scale2 = "layer_scale2.lambda1";
  b.up = gated ? "mlp.weights_in" : "mlp.fc1";
  b.down = gated ? "mlp.weights_out" : "mlp.fc2";
  return layout;
}

Layout OriginalLayout(bool gated) {
  Layout layout{"cls_token",
                "register_tokens",
                "mask_token",
                "pos_embed",
                "patch_embed.proj",
                "blocks.",
                "norm",
                {}};
  BlockNames& b = layout.block;
  b.norm1 = "norm1";
  b.norm2 = "norm2";
  b.qkv = "attn.qkv";
  b.out = "attn.proj";
  b.scale1 = "ls1.gamma";
  b.scale2 = "ls2.gamma";
  b.up = gated ? "mlp.w12" : "mlp.fc1";
  b.down = gated ? "mlp.w3" : "mlp.fc2";
  return layout;
}

// What every DINOv2 model has.
Architecture Common() {
  Architecture arch;
  arch.class_token = true;
  arch.positions = Positions::kLearned;
  return arch;
}

Architecture ReadConfig(const ConfigFile& config) {
  const std::string type = config.Text("model_type", "");
  const bool with_registers = type == "dinov2_with_registers";
  if (type != "dinov2" && !with_registers) {
    config.Fail("model_type", "is '" + type + "', expected dinov2 or dinov2_with_registers");
  }
  RequireThreeChannels(config, "num_channels");
  Architecture arch = Common();
  arch.dim = config.Size("hidden_size", 768);
  arch.layers = config.Size("num_hidden_layers", 12);
  arch.heads = config.Size("num_attention_heads", 12);
  arch.patch = config.Size("patch_size", with_registers ? 16 : 14);
  arch.registers = with_registers ? config.Count("num_register_tokens", 4) : 0;
  arch.antialias = with_registers;
  arch.norm_eps = config.Real("layer_norm_eps", 1e-6);
  arch.activation = ReadActivation(config);
  arch.hidden = std::lround(static_cast<double>(arch.dim) * config.Real("mlp_ratio", 4));
  arch.gated = config.Flag("use_swiglu_ffn", false);
  if (arch.gated) {
    arch.activation = Activation::kSilu;
    arch.hidden = GatedChannels(arch.hidden);
  }
  arch.table_side = config.Size("image_size", 224) / arch.patch;
  arch.Check(config.name());
  return arch;
}

Architecture ReadTensors(const WeightReader& reader) {
  Architecture arch = Common();
  arch.dim = reader.Shape("cls_token", 3)[2];
  arch.layers = reader.Count("blocks.", ".norm1.weight");
  arch.heads = std::max<std::int64_t>(arch.dim / 64, 1);
  arch.patch = reader.Shape("patch_embed.proj.weight", 4)[2];
  arch.registers = reader.Has("register_tokens") ? reader.Shape("register_tokens", 3)[1] : 0;
  arch.antialias = arch.registers > 0;
  arch.norm_eps = 1e-6;
  arch.gated = reader.Has("blocks.0.mlp.w12.weight");
  if (arch.gated) arch.activation = Activation::kSilu;
  arch.hidden = arch.gated ? reader.Shape("blocks.0.mlp.w3.weight", 2)[1]
                           : reader.Shape("blocks.0.mlp.fc1.weight", 2)[0];
  const std::int64_t positions = reader.Shape("pos_embed", 3)[1] - 1;
  arch.table_side = std::lround(std::sqrt(static_cast<double>(positions)));
  arch.Check(reader.where());
  return arch;
}

VisionTransformer Load(WeightReader& reader,
                       const Architecture& arch,
                       const Layout& layout,
                       bool qkv_bias,
                       const Placement& placement) {
  const std::int64_t d = arch.dim, positions = arch.table_side * arch.table_side;
  const auto own = [&](const std::string& name, at::IntArrayRef shape) {
    return reader.Float(name, shape).to(placement.device);
  };
  Parameters p;
  p.class_token = own(layout.class_token, {1, 1, d});
  if (arch.registers > 0) p.registers = own(layout.registers, {1, arch.registers, d});
  const at::Tensor table = own(layout.positions, {1, 1 + positions, d});
  p.class_position = table.narrow(1, 0, 1).contiguous();
  p.position_table = table[0].narrow(0, 1, positions).contiguous();
  p.patches = LoadPatches(reader, layout.patches, arch, placement);
  BlockBiases biases;
  biases.query = biases.key = biases.value = qkv_bias;
  p.blocks = LoadBlocks(reader, arch, layout.blocks, layout.block, biases, placement);
  p.final_norm = LoadNorm(reader, layout.final_norm, arch, placement);
  reader.Ignore({layout.mask});
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
    const bool bias = reader.Has("blocks.0.attn.qkv.bias");
    return Load(reader, arch, OriginalLayout(arch.gated), bias, placement);
  }
  const ConfigFile config = ConfigFile::Read(folder / "config.json");
  const Architecture arch = ReadConfig(config);
  WeightReader reader(std::move(source),
                      {"", "dinov2.", "dinov2_with_registers."},
                      "embeddings.patch_embeddings.projection.weight");
  return Load(
      reader, arch, HuggingFaceLayout(arch.gated), config.Flag("qkv_bias", true), placement);
}

}  // namespace dinov2
