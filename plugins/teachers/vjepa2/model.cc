// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include "core/vit/config_file.h"

#include <cmath>
#include <utility>

namespace vjepa2 {
namespace {

using namespace cross4d::vit;

struct Layout {
  std::string patches, blocks, final_norm;
  BlockNames block;
};

Layout HuggingFaceLayout() {
  Layout layout{
      "encoder.embeddings.patch_embeddings.proj", "encoder.layer.", "encoder.layernorm", {}};
  BlockNames& b = layout.block;
  b.norm1 = "norm1";
  b.norm2 = "norm2";
  b.query = "attention.query";
  b.key = "attention.key";
  b.value = "attention.value";
  b.out = "attention.proj";
  b.up = "mlp.fc1";
  b.down = "mlp.fc2";
  return layout;
}

Layout OriginalLayout() {
  Layout layout{"patch_embed.proj", "blocks.", "norm", {}};
  BlockNames& b = layout.block;
  b.norm1 = "norm1";
  b.norm2 = "norm2";
  b.qkv = "attn.qkv";
  b.out = "attn.proj";
  b.up = "mlp.fc1";
  b.down = "mlp.fc2";
  return layout;
}

// V-JEPA 2.1 has another rotary rule and further tensors under the same model_type.
void RefuseNewerModels(const ConfigFile& config) {
  for (const char* key : {"use_rope_interleave",
                          "interpolate_rope",
                          "use_modality_embeddings",
                          "use_image_patch_embedder",
                          "hierarchical_layers",
                          "teacher_embed_dim"}) {
    if (config.Set(key)) {
      config.Fail(key,
                  "is set: this is a V-JEPA 2.1 checkpoint, whose rotary rule and tensors differ; "
                  "only V-JEPA 2 is supported");
    }
  }
}

Architecture ReadConfig(const ConfigFile& config, PositionGrid grid) {
  const std::string type = config.Text("model_type", "");
  if (type != "vjepa2") config.Fail("model_type", "is '" + type + "', expected vjepa2");
  RefuseNewerModels(config);
  RequireThreeChannels(config, "in_chans");
  Architecture arch;
  arch.positions = Positions::kSpaceTimeRotary;
  arch.dim = config.Size("hidden_size", 1024);
  arch.layers = config.Size("num_hidden_layers", 24);
  arch.heads = config.Size("num_attention_heads", 16);
  arch.patch = config.Size("patch_size", 16);
  arch.tubelet = config.Size("tubelet_size", 2);
  arch.norm_eps = config.Real("layer_norm_eps", 1e-6);
  arch.activation = ReadActivation(config);
  // Truncated as Python's int() does: 1408 * 48/11 gives 6144.
  arch.hidden =
      static_cast<std::int64_t>(static_cast<double>(arch.dim) * config.Real("mlp_ratio", 4.0));
  if (grid == PositionGrid::kCrop) {
    const std::int64_t crop = config.Size("crop_size", 256);
    arch.rotary_side = crop / arch.patch;
    if (arch.rotary_side == 0) config.Fail("crop_size", "is smaller than patch_size");
  }
  arch.Check(config.name());
  return arch;
}

Architecture ReadTensors(const WeightReader& reader, PositionGrid grid) {
  if (grid == PositionGrid::kCrop) {
    reader.Fail("position_grid = \"crop\" needs a config.json with crop_size");
  }
  Architecture arch;
  arch.positions = Positions::kSpaceTimeRotary;
  const std::vector<std::int64_t> patch = reader.Shape("patch_embed.proj.weight", 5);
  arch.dim = patch[0];
  arch.tubelet = patch[2];
  arch.patch = patch[3];
  arch.layers = reader.Count("blocks.", ".norm1.weight");
  // ViT-g has 22 heads; the published L and H have 16.
  arch.heads = arch.dim == 1408 ? 22 : 16;
  arch.hidden = reader.Shape("blocks.0.mlp.fc1.weight", 2)[0];
  arch.norm_eps = 1e-6;
  arch.Check(reader.where());
  return arch;
}

VisionTransformer Load(WeightReader& reader,
                       const Architecture& arch,
                       const Layout& layout,
                       bool qkv_bias,
                       const Placement& placement) {
  BlockBiases biases;
  biases.query = biases.key = biases.value = qkv_bias;
  Parameters p;
  p.patches = LoadPatches(reader, layout.patches, arch, placement);
  p.blocks = LoadBlocks(reader, arch, layout.blocks, layout.block, biases, placement);
  p.final_norm = LoadNorm(reader, layout.final_norm, arch, placement);
  reader.Finish();
  return VisionTransformer(arch, std::move(p));
}

}  // namespace

VisionTransformer LoadModel(WeightSource source,
                            const std::filesystem::path& folder,
                            PositionGrid grid,
                            const Placement& placement) {
  // A training file holds the encoder twice; the momentum copy ("target_encoder") is not the
  // published one.
  const std::initializer_list<std::string> original{
      "encoder.module.backbone.", "module.backbone.", "encoder.backbone.", "backbone.", ""};
  if (HasTensor(source, original, "patch_embed.proj.weight")) {
    WeightReader reader(std::move(source), original, "patch_embed.proj.weight");
    const Architecture arch = ReadTensors(reader, grid);
    reader.Ignore({"pos_embed"});
    const bool bias = reader.Has("blocks.0.attn.qkv.bias");
    return Load(reader, arch, OriginalLayout(), bias, placement);
  }
  const ConfigFile config = ConfigFile::Read(folder / "config.json");
  const Architecture arch = ReadConfig(config, grid);
  WeightReader reader(
      std::move(source), {"", "vjepa2."}, "encoder.embeddings.patch_embeddings.proj.weight");
  reader.Ignore({"predictor.", "pooler.", "classifier."});
  return Load(reader, arch, HuggingFaceLayout(), config.Flag("qkv_bias", true), placement);
}

}  // namespace vjepa2
