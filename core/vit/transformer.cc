// SPDX-License-Identifier: Apache-2.0
#include "core/vit/transformer.h"

#include <cross4d/sdk/error.h>

#include <utility>

namespace cross4d::vit {
namespace {

std::string SizeText(std::int64_t a, std::int64_t b) {
  return std::to_string(a) + " x " + std::to_string(b);
}

}  // namespace

void Architecture::Check(const std::string& where) const {
  const auto fail = [&](const std::string& what) { FailInput(where + ": " + what); };
  if (dim % heads != 0) {
    fail("hidden size " + std::to_string(dim) + " is not a multiple of its " +
         std::to_string(heads) + " attention heads");
  }
  const std::int64_t head_dim = dim / heads;
  const std::int64_t unit = positions == Positions::kAxialRotary       ? 4
                            : positions == Positions::kSpaceTimeRotary ? 2
                                                                       : 1;
  if (head_dim % unit != 0) {
    fail("channels per attention head are " + std::to_string(head_dim) +
         ", its rotary positions need a multiple of " + std::to_string(unit));
  }
}

at::Tensor Norm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, eps);
}

at::Tensor Tokens::patches() const {
  const at::Tensor patch_tokens = hidden.narrow(1, prefix, hidden.size(1) - prefix);
  return patch_tokens.reshape({-1, grid.frames, grid.rows, grid.columns, hidden.size(2)});
}

VisionTransformer::VisionTransformer(Architecture architecture, Parameters parameters)
    : arch_(std::move(architecture)), params_(std::move(parameters)) {}

Grid VisionTransformer::GridOf(const at::Tensor& frames) const {
  if (frames.dim() != 5 || frames.size(2) != 3) {
    FailInput("a ViT teacher takes frames [B, T, 3, H, W], got a tensor of " +
              std::to_string(frames.dim()) + " dimensions");
  }
  const std::int64_t time = frames.size(1), height = frames.size(3), width = frames.size(4);
  if ((arch_.height != 0 && height != arch_.height) || (arch_.width != 0 && width != arch_.width)) {
    FailInput("this teacher takes images of " + SizeText(arch_.height, arch_.width) +
              " pixels only, got " + SizeText(height, width));
  }
  if (arch_.frames != 0 && time != arch_.frames) {
    FailInput("this teacher takes clips of " + std::to_string(arch_.frames) + " frames only, got " +
              std::to_string(time));
  }
  // A clip shorter than a tubelet is repeated `tubelet` times.
  const Grid grid{time < arch_.tubelet ? time : time / arch_.tubelet,
                  height / arch_.patch,
                  width / arch_.patch};
  if (time < 1 || grid.rows < 1 || grid.columns < 1) {
    FailInput("images of " + SizeText(height, width) + " pixels and " + std::to_string(time) +
              " frames hold no patch of " + SizeText(arch_.patch, arch_.patch) + " pixels");
  }
  return grid;
}

// The patch convolution as one matrix product: its stride is its kernel.
at::Tensor VisionTransformer::Embed(const at::Tensor& frames, const Grid& grid) const {
  const std::int64_t p = arch_.patch, t = arch_.tubelet;
  at::Tensor x = frames.size(1) < t ? frames.repeat({1, t, 1, 1, 1}) : frames;
  x = x.narrow(1, 0, grid.frames * t)
          .narrow(3, 0, grid.rows * p)
          .narrow(4, 0, grid.columns * p)
          .to(params_.patches.dtype());
  const std::int64_t batch = x.size(0);
  x = x.reshape({batch, grid.frames, t, 3, grid.rows, p, grid.columns, p})
          .permute({0, 1, 4, 6, 3, 2, 5, 7})
          .reshape({batch, grid.tokens(), 3 * t * p * p});
  x = params_.patches(x).to(at::kFloat);
  if (arch_.positions == Positions::kLearned || arch_.positions == Positions::kSine) {
    x.add_(AddedPositions(grid));
  }
  std::vector<at::Tensor> tokens;
  if (arch_.class_token) {
    at::Tensor token = params_.class_token;
    if (arch_.positions == Positions::kLearned) token = token + params_.class_position;
    tokens.push_back(token.expand({batch, 1, arch_.dim}));
  }
  if (arch_.registers > 0) {
    tokens.push_back(params_.registers.expand({batch, arch_.registers, arch_.dim}));
  }
  if (tokens.empty()) return x;
  tokens.push_back(x);
  return at::cat(tokens, 1);
}

const at::Tensor& VisionTransformer::AddedPositions(const Grid& grid) const {
  if (grid == added_grid_) return added_;
  const at::Device device = params_.blocks.front().norm1.weight.device();
  added_ =
      arch_.positions == Positions::kSine
          ? SineTable(grid.tokens(), arch_.dim).to(device)
          : ResizeLearned(
                params_.position_table, arch_.table_side, grid.rows, grid.columns, arch_.antialias);
  added_grid_ = grid;
  return added_;
}

const Rotary* VisionTransformer::RotaryOf(const Grid& grid) const {
  const bool axial = arch_.positions == Positions::kAxialRotary;
  if (!axial && arch_.positions != Positions::kSpaceTimeRotary) return nullptr;
  if (grid == rotary_grid_) return &rotary_;
  const std::int64_t head_dim = arch_.dim / arch_.heads, side = arch_.rotary_side;
  rotary_ = axial ? AxialRotary(grid, arch_.prefix(), head_dim, arch_.rope_theta)
                  : SpaceTimeRotary(grid.tokens(),
                                    side != 0 ? side : grid.rows,
                                    side != 0 ? side : grid.columns,
                                    head_dim);
  const at::Device device = params_.blocks.front().norm1.weight.device();
  rotary_.cos = rotary_.cos.to(device);
  rotary_.sin = rotary_.sin.to(device);
  rotary_grid_ = grid;
  return &rotary_;
}

// softmax(q k^T / sqrt(d)) v over all tokens.
void VisionTransformer::Attend(at::Tensor& x, const Block& block, const Rotary* rotary) const {
  const std::int64_t batch = x.size(0), n = x.size(1);
  const at::Tensor qkv = block.qkv(block.norm1(x))
                             .view({batch, n, 3, arch_.heads, arch_.dim / arch_.heads})
                             .permute({2, 0, 3, 1, 4});  // [3, B, heads, N, d]
  at::Tensor q = qkv[0], k = qkv[1];
  if (rotary != nullptr) {
    q = rotary->Apply(q);
    k = rotary->Apply(k);
  }
  const at::Tensor mixed = at::scaled_dot_product_attention(q, k, qkv[2]);
  x.add_(block.out(mixed.transpose(1, 2).reshape({batch, n, arch_.dim})));
}

void VisionTransformer::Transform(at::Tensor& x, const Block& block) const {
  at::Tensor h = block.up(block.norm2(x));
  const auto activate = [this](at::Tensor& v) {
    arch_.activation == Activation::kGelu ? at::gelu_(v) : at::silu_(v);
  };
  if (arch_.gated) {
    at::Tensor gate = h.narrow(-1, 0, arch_.hidden);
    activate(gate);
    h = gate * h.narrow(-1, arch_.hidden, arch_.hidden);
  } else {
    activate(h);
  }
  x.add_(block.down(h));
}

Tokens VisionTransformer::Forward(const at::Tensor& frames, const Observer& observe) const {
  const at::NoGradGuard no_grad;
  const bool images = arch_.tubelet == 1;
  Grid grid = GridOf(frames);
  const Grid clip_grid = grid;
  at::Tensor input = frames.to(params_.blocks.front().norm1.weight.device());
  if (images) {
    input = input.flatten(0, 1).unsqueeze(1);  // every frame is a clip of its own
    grid.frames = 1;
  }
  const Rotary* rotary = RotaryOf(grid);
  at::Tensor x = Embed(input, grid);
  if (observe) observe("embeddings", x);
  for (std::size_t i = 0; i < params_.blocks.size(); ++i) {
    Attend(x, params_.blocks[i], rotary);
    Transform(x, params_.blocks[i]);
    if (observe) observe("layer_" + std::to_string(i), x);
  }
  if (arch_.final_norm) x = params_.final_norm(x);
  return {x, clip_grid, arch_.prefix()};
}

}  // namespace cross4d::vit
