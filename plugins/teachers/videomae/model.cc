// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include "core/vit/config_file.h"

#include <cmath>
#include <map>
#include <utility>

namespace videomae {
namespace {

using namespace cross4d::vit;

struct Layout {
  std::string patches, blocks, final_norm;
  BlockNames block;
};

// Published files hold q_bias and v_bias; those that transformers 5 wrote, a bias per matrix.
Layout HuggingFaceLayout(const WeightReader& reader) {
  Layout layout{"embeddings.patch_embeddings.projection", "encoder.layer.", "layernorm", {}};
  BlockNames& b = layout.block;
  b.norm1 = "layernorm_before";
  b.norm2 = "layernorm_after";
  b.query = "attention.attention.query";
  b.key = "attention.attention.key";
  b.value = "attention.attention.value";
  if (reader.Has("encoder.layer.0.attention.attention.q_bias")) {
    b.query_bias = "attention.attention.q_bias";
    b.value_bias = "attention.attention.v_bias";
  }
  b.out = "attention.output.dense";
  b.up = "intermediate.dense";
  b.down = "output.dense";
  return layout;
}

Layout OriginalLayout(const WeightReader& reader) {
  Layout layout{"patch_embed.proj", "blocks.", "norm", {}};
  BlockNames& b = layout.block;
  b.norm1 = "norm1";
  b.norm2 = "norm2";
  b.qkv = "attn.qkv";
  if (reader.Has("blocks.0.attn.q_bias")) {
    b.query_bias = "attn.q_bias";
    b.value_bias = "attn.v_bias";
  }
  b.out = "attn.proj";
  b.up = "mlp.fc1";
  b.down = "mlp.fc2";
  return layout;
}

void SetInput(const ConfigFile& config, const std::string& image_key, Architecture* arch) {
  const std::vector<std::int64_t> patch = config.SizePair("patch_size", 16);
  const std::vector<std::int64_t> image = config.SizePair(image_key, 224);
  if (patch[0] != patch[1]) config.Fail("patch_size", "is not square");
  arch->patch = patch[0];
  arch->height = image[0];
  arch->width = image[1];
  arch->tubelet = config.Size("tubelet_size", 2);
  arch->frames = config.Size("num_frames", 16);
}

Architecture ReadConfig(const ConfigFile& config) {
  const std::string type = config.Text("model_type", "");
  if (type != "videomae") {
    config.Fail("model_type", "is '" + type + "', expected videomae, or a VideoMAEv2 model_config");
  }
  RequireThreeChannels(config, "num_channels");
  Architecture arch;
  arch.positions = Positions::kSine;
  SetInput(config, "image_size", &arch);
  arch.dim = config.Size("hidden_size", 768);
  arch.layers = config.Size("num_hidden_layers", 12);
  arch.heads = config.Size("num_attention_heads", 12);
  arch.hidden = config.Size("intermediate_size", 3072);
  arch.norm_eps = config.Real("layer_norm_eps", 1e-12);
  arch.activation = ReadActivation(config);
  arch.final_norm = !config.Flag("use_mean_pooling", true);
  arch.Check(config.name());
  return arch;
}

// The remote-code layout of OpenGVLab/VideoMAEv2-*.
Architecture ReadVersion2Config(const ConfigFile& config) {
  if (config.Set("cos_attn"))
    config.Fail("cos_attn", "is true, which is not supported: no published checkpoint has it");
  if (config.Set("use_learnable_pos_emb")) {
    config.Fail("use_learnable_pos_emb",
                "is true, which is not supported: no published checkpoint has it");
  }
  if (config.Real("init_values", 0.0) > 0) {
    config.Fail("init_values",
                "is above 0 (LayerScale), which is not supported: no published checkpoint has it");
  }
  RequireThreeChannels(config, "in_chans");
  Architecture arch;
  arch.positions = Positions::kSine;
  SetInput(config, "img_size", &arch);
  arch.dim = config.Size("embed_dim", 768);
  arch.layers = config.Size("depth", 12);
  arch.heads = config.Size("num_heads", 12);
  arch.hidden =
      static_cast<std::int64_t>(static_cast<double>(arch.dim) * config.Real("mlp_ratio", 4.0));
  arch.norm_eps = config.Real("layer_norm_eps", 1e-6);
  arch.final_norm = false;  // its fc_norm belongs to the mean over tokens
  arch.Check(config.name());
  return arch;
}

// Head counts of the published sizes; they do not follow from the channels.
std::int64_t KnownHeads(const WeightReader& reader, std::int64_t dim) {
  static const std::map<std::int64_t, std::int64_t> kHeads{
      {384, 6}, {768, 12}, {1024, 16}, {1280, 16}, {1408, 16}};
  const auto it = kHeads.find(dim);
  if (it == kHeads.end()) {
    reader.Fail(
        "has " + std::to_string(dim) +
        " channels, none of the published sizes; its head count is needed: put a config.json "
        "beside it");
  }
  return it->second;
}

Architecture ReadTensors(const WeightReader& reader) {
  Architecture arch;
  arch.positions = Positions::kSine;
  const std::vector<std::int64_t> patch = reader.Shape("patch_embed.proj.weight", 5);
  arch.dim = patch[0];
  arch.tubelet = patch[2];
  arch.patch = patch[3];
  arch.height = arch.width = 224;
  arch.frames = 16;
  arch.layers = reader.Count("blocks.", ".norm1.weight");
  arch.heads = KnownHeads(reader, arch.dim);
  arch.hidden = reader.Shape("blocks.0.mlp.fc1.weight", 2)[0];
  arch.norm_eps = 1e-6;
  arch.final_norm = reader.Has("norm.weight");  // pre-training files normalise the tokens
  arch.Check(reader.where());
  return arch;
}

VisionTransformer Load(WeightReader& reader,
                       const Architecture& arch,
                       const Layout& layout,
                       bool qkv_bias,
                       const Placement& placement) {
  const std::string key = layout.blocks + "0." + layout.block.key + ".bias";
  BlockBiases biases;
  biases.query = biases.value = qkv_bias;
  biases.key = qkv_bias && (!layout.block.qkv.empty() || reader.Has(key));
  Parameters p;
  p.patches = LoadPatches(reader, layout.patches, arch, placement);
  p.blocks = LoadBlocks(reader, arch, layout.blocks, layout.block, biases, placement);
  if (arch.final_norm) p.final_norm = LoadNorm(reader, layout.final_norm, arch, placement);
  reader.Ignore({"mask_token",
                 "pos_embed",
                 "decoder.",
                 "encoder_to_decoder.",
                 "fc_norm.",
                 "head.",
                 "classifier."});
  reader.Finish();
  return VisionTransformer(arch, std::move(p));
}

}  // namespace

VisionTransformer LoadModel(WeightSource source,
                            const std::filesystem::path& folder,
                            const Placement& placement) {
  const std::initializer_list<std::string> original{"model.encoder.",
                                                    "module.encoder.",
                                                    "model.backbone.",
                                                    "module.backbone.",
                                                    "model.",
                                                    "module.",
                                                    "encoder.",
                                                    "backbone.",
                                                    ""};
  const std::filesystem::path config_file = folder / "config.json";
  if (HasTensor(source, original, "patch_embed.proj.weight")) {
    WeightReader reader(std::move(source), original, "patch_embed.proj.weight");
    const bool configured = std::filesystem::exists(config_file);
    const Architecture arch =
        configured ? ReadVersion2Config(ConfigFile::Read(config_file).Section("model_config"))
                   : ReadTensors(reader);
    const Layout layout = OriginalLayout(reader);
    const bool bias = !layout.block.query_bias.empty() || reader.Has("blocks.0.attn.qkv.bias");
    return Load(reader, arch, layout, bias, placement);
  }
  const ConfigFile config = ConfigFile::Read(config_file);
  const Architecture arch = ReadConfig(config);
  WeightReader reader(
      std::move(source), {"", "videomae."}, "embeddings.patch_embeddings.projection.weight");
  const Layout layout = HuggingFaceLayout(reader);
  return Load(reader, arch, layout, config.Flag("qkv_bias", true), placement);
}

}  // namespace videomae
