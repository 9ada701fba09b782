// SPDX-License-Identifier: Apache-2.0
#include "core/vit/load.h"

#include <utility>
#include <vector>

namespace cross4d::vit {
namespace {

// Builds one linear layer from pieces of rows.
class LinearBuilder {
 public:
  LinearBuilder(WeightReader& reader, std::int64_t out, std::int64_t in, const Placement& placement)
      : reader_(reader),
        placement_(placement),
        in_(in),
        weight_(at::empty({out, in}, at::TensorOptions().dtype(placement.dtype))),
        bias_(at::zeros({out})) {}

  // Rows [at_, at_ + rows). An empty bias name leaves zeros.
  LinearBuilder& Rows(std::int64_t rows, const std::string& weight, const std::string& bias) {
    weight_.narrow(0, at_, rows).copy_(reader_.View(weight, {rows, in_}));
    if (!bias.empty()) bias_.narrow(0, at_, rows).copy_(reader_.View(bias, {rows}));
    at_ += rows;
    return *this;
  }

  // diag(s) (W x + b), folded before the weights are rounded to their type.
  LinearBuilder& ScaledRows(std::int64_t rows,
                            const std::string& weight,
                            const std::string& bias,
                            const std::string& scale) {
    if (scale.empty()) return Rows(rows, weight, bias);
    const at::Tensor s = reader_.Float(scale, {rows});
    // Straight into its place: freed copies of this size would leave holes between the weights.
    at::Tensor to = weight_.narrow(0, at_, rows);
    at::mul_out(to, reader_.View(weight, {rows, in_}), s.unsqueeze(1));
    if (!bias.empty()) {
      bias_.narrow(0, at_, rows).copy_(reader_.Float(bias, {rows}).mul_(s));
    }
    at_ += rows;
    return *this;
  }

  at::Tensor& bias() { return bias_; }
  Linear Build() {
    return Linear(weight_.to(placement_.device), bias_.to(placement_.device, placement_.dtype));
  }

 private:
  WeightReader& reader_;
  Placement placement_;
  std::int64_t in_ = 0, at_ = 0;
  at::Tensor weight_, bias_;
};

std::string BiasOf(const std::string& layer, bool has) { return has ? layer + ".bias" : ""; }

Linear LoadQkv(WeightReader& reader,
               const Architecture& arch,
               const std::string& prefix,
               const BlockNames& names,
               const BlockBiases& biases,
               const Placement& placement) {
  const std::int64_t d = arch.dim;
  const auto bias = [&](const std::string& layer, const std::string& own, bool has) {
    if (!has) return std::string();
    return own.empty() ? prefix + layer + ".bias" : prefix + own;
  };
  LinearBuilder builder(reader, 3 * d, d, placement);
  if (names.qkv.empty()) {
    builder.Rows(
        d, prefix + names.query + ".weight", bias(names.query, names.query_bias, biases.query));
    builder.Rows(d, prefix + names.key + ".weight", bias(names.key, "", biases.key));
    builder.Rows(
        d, prefix + names.value + ".weight", bias(names.value, names.value_bias, biases.value));
    return builder.Build();
  }
  if (!names.query_bias.empty()) {
    builder.Rows(3 * d, prefix + names.qkv + ".weight", "");
    builder.bias().narrow(0, 0, d).copy_(reader.View(prefix + names.query_bias, {d}));
    builder.bias().narrow(0, 2 * d, d).copy_(reader.View(prefix + names.value_bias, {d}));
    return builder.Build();
  }
  builder.Rows(3 * d, prefix + names.qkv + ".weight", bias(names.qkv, "", biases.query));
  if (!biases.key) builder.bias().narrow(0, d, d).zero_();
  return builder.Build();
}

}  // namespace

Activation ReadActivation(const ConfigFile& config) {
  const std::string name = config.Text("hidden_act", "gelu");
  if (name == "gelu") return Activation::kGelu;
  if (name == "silu") return Activation::kSilu;
  config.Fail(
      "hidden_act",
      "is '" + name +
          "', which is not supported: no published checkpoint has it (expected gelu or silu)");
}

void RequireThreeChannels(const ConfigFile& config, const std::string& key) {
  const std::int64_t channels = config.Size(key, 3);
  if (channels != 3) config.Fail(key, "is " + std::to_string(channels) + ", expected 3");
}

Norm LoadNorm(WeightReader& reader,
              const std::string& name,
              const Architecture& arch,
              const Placement& placement) {
  return {reader.Float(name + ".weight", {arch.dim}).to(placement.device),
          reader.Float(name + ".bias", {arch.dim}).to(placement.device),
          arch.norm_eps};
}

Linear LoadPatches(WeightReader& reader,
                   const std::string& name,
                   const Architecture& arch,
                   const Placement& placement) {
  std::vector<std::int64_t> shape{arch.dim, 3, arch.tubelet, arch.patch, arch.patch};
  if (arch.tubelet == 1) shape.erase(shape.begin() + 2);
  const at::Tensor weight = reader.Float(name + ".weight", shape).flatten(1);
  const at::Tensor bias = reader.Float(name + ".bias", {arch.dim});
  return Linear(weight.to(placement.device), bias.to(placement.device));
}

Block LoadBlock(WeightReader& reader,
                const Architecture& arch,
                const std::string& prefix,
                const BlockNames& names,
                const BlockBiases& biases,
                const Placement& placement) {
  const auto scale = [&](const std::string& name) { return name.empty() ? name : prefix + name; };
  const std::int64_t d = arch.dim, hidden = arch.hidden;
  Block block;
  block.norm1 = LoadNorm(reader, prefix + names.norm1, arch, placement);
  block.qkv = LoadQkv(reader, arch, prefix, names, biases, placement);
  const std::string out = prefix + names.out;
  block.out = LinearBuilder(reader, d, d, placement)
                  .ScaledRows(d, out + ".weight", BiasOf(out, biases.out), scale(names.scale1))
                  .Build();
  block.norm2 = LoadNorm(reader, prefix + names.norm2, arch, placement);
  const std::string gate = prefix + names.gate, up = prefix + names.up, down = prefix + names.down;
  const std::int64_t rows = arch.gated ? 2 * hidden : hidden;
  LinearBuilder builder(reader, rows, d, placement);
  const bool separate = arch.gated && !names.gate.empty();
  if (separate) builder.Rows(hidden, gate + ".weight", BiasOf(gate, biases.mlp));
  builder.Rows(separate ? hidden : rows, up + ".weight", BiasOf(up, biases.mlp));
  block.up = builder.Build();
  block.down = LinearBuilder(reader, d, hidden, placement)
                   .ScaledRows(d, down + ".weight", BiasOf(down, biases.mlp), scale(names.scale2))
                   .Build();
  return block;
}

std::vector<Block> LoadBlocks(WeightReader& reader,
                              const Architecture& arch,
                              const std::string& before,
                              const BlockNames& names,
                              const BlockBiases& biases,
                              const Placement& placement) {
  std::vector<Block> blocks;
  for (std::int64_t i = 0; i < arch.layers; ++i) {
    const std::string prefix = before + std::to_string(i) + ".";
    blocks.push_back(LoadBlock(reader, arch, prefix, names, biases, placement));
  }
  return blocks;
}

}  // namespace cross4d::vit
