// SPDX-License-Identifier: Apache-2.0
#include "core/vit/transformer.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <utility>

namespace cross4d::vit {
namespace {

constexpr std::int64_t kRows = 2048;  // tokens computed together
// Products of so few rows are summed in another order than larger ones (MKL: seen with 5 rows, not
// with 17), and then a clip would depend on its batch: such clips are computed one by one.
constexpr std::int64_t kFewTokens = 32;

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

Block Block::Widened() const {
  return {norm1, qkv.Widened(), out.Widened(), norm2, up.Widened(), down.Widened()};
}

VisionTransformer::VisionTransformer(Architecture architecture, Parameters parameters)
    : arch_(std::move(architecture)),
      params_(std::move(parameters)),
      device_(params_.blocks.front().norm1.weight.device()),
      widened_(device_.is_cpu() && params_.blocks.front().qkv.dtype() == at::kBFloat16 &&
               !CpuHasBfloat16()) {}

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
void VisionTransformer::Embed(const at::Tensor& frames,
                              const Grid& grid,
                              const at::Tensor& tokens) const {
  const std::int64_t p = arch_.patch, t = arch_.tubelet;
  at::Tensor x = frames.size(1) < t ? frames.repeat({1, t, 1, 1, 1}) : frames;
  x = x.narrow(1, 0, grid.frames * t).narrow(3, 0, grid.rows * p).narrow(4, 0, grid.columns * p);
  x = x.reshape({-1, grid.frames, t, 3, grid.rows, p, grid.columns, p})
          .permute({0, 1, 4, 6, 3, 2, 5, 7})
          .reshape({-1, grid.tokens(), 3 * t * p * p});
  x = params_.patches(x);
  if (const at::Tensor* positions = AddedPositions(grid)) x.add_(*positions);
  tokens.narrow(1, arch_.prefix(), grid.tokens()).copy_(x);
  if (arch_.class_token) {
    const bool learned = arch_.positions == Positions::kLearned;
    tokens.narrow(1, 0, 1).copy_(learned ? params_.class_token + params_.class_position
                                         : params_.class_token);
  }
  if (arch_.registers > 0) {
    tokens.narrow(1, arch_.prefix() - arch_.registers, arch_.registers).copy_(params_.registers);
  }
}

const at::Tensor* VisionTransformer::AddedPositions(const Grid& grid) const {
  const bool sine = arch_.positions == Positions::kSine;
  if (!sine && arch_.positions != Positions::kLearned) return nullptr;
  if (grid == added_grid_) return &added_;
  added_ =
      sine
          ? SineTable(grid.tokens(), arch_.dim).to(device_)
          : ResizeLearned(
                params_.position_table, arch_.table_side, grid.rows, grid.columns, arch_.antialias);
  added_grid_ = grid;
  return &added_;
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
  rotary_.cos = rotary_.cos.to(device_);
  rotary_.sin = rotary_.sin.to(device_);
  rotary_grid_ = grid;
  return &rotary_;
}

VisionTransformer::Buffers VisionTransformer::MakeBuffers(std::int64_t rows) const {
  const at::ScalarType type = widened_ ? at::kFloat : params_.blocks.front().qkv.dtype();
  const auto options = at::TensorOptions().dtype(type).device(device_);
  const std::int64_t inner = arch_.gated ? 2 * arch_.hidden : arch_.hidden;
  return {at::empty({rows, 3 * arch_.dim}, options),
          at::empty({std::min(rows, kRows), inner}, options),
          at::empty({rows, arch_.dim}, options)};
}

// softmax(q k^T / sqrt(d)) v over all tokens.
void VisionTransformer::Attend(const at::Tensor& x,
                               const Block& block,
                               const Rotary* rotary,
                               const Buffers& buffers) const {
  const std::int64_t batch = x.size(0), n = x.size(1), rows = batch * n;
  const at::Tensor flat = buffers.qkv.narrow(0, 0, rows), out = buffers.out.narrow(0, 0, rows);
  block.qkv.Into(flat, block.norm1(x).view({rows, arch_.dim}));
  const at::Tensor qkv = flat.view({batch, n, 3, arch_.heads, arch_.dim / arch_.heads})
                             .permute({2, 0, 3, 1, 4});  // [3, B, heads, N, d]
  at::Tensor q = qkv[0], k = qkv[1];
  if (rotary != nullptr) {
    q = rotary->Apply(q);
    k = rotary->Apply(k);
  }
  const at::Tensor mixed = at::scaled_dot_product_attention(q, k, qkv[2]);
  block.out.Into(out, mixed.transpose(1, 2).reshape({rows, arch_.dim}));
  x.add_(out.view_as(x));
}

// Some rows at a time, all about as many: very few would be summed in another order.
void VisionTransformer::Transform(const at::Tensor& x,
                                  const Block& block,
                                  const Buffers& buffers) const {
  const auto activate = [this](at::Tensor& v) {
    arch_.activation == Activation::kGelu ? at::gelu_(v) : at::silu_(v);
  };
  const at::Tensor all = x.view({-1, arch_.dim});
  const std::int64_t parts = (all.size(0) + kRows - 1) / kRows;
  for (const at::Tensor& rows : all.split((all.size(0) + parts - 1) / parts)) {
    at::Tensor h = buffers.inner.narrow(0, 0, rows.size(0));
    block.up.Into(h, block.norm2(rows));
    if (arch_.gated) {
      at::Tensor gate = h.narrow(-1, 0, arch_.hidden);
      activate(gate);
      h = gate * h.narrow(-1, arch_.hidden, arch_.hidden);
    } else {
      activate(h);
    }
    const at::Tensor out = buffers.out.narrow(0, 0, rows.size(0));
    block.down.Into(out, h);
    rows.add_(out);
  }
}

// Enough clips for the products to be worth reading the weights, few enough for the cache.
std::int64_t VisionTransformer::GroupOf(std::int64_t clips, std::int64_t tokens) const {
  if (!device_.is_cpu()) return clips;
  if (tokens < kFewTokens) return 1;
  const std::int64_t most = std::max<std::int64_t>(kRows / tokens, 1);
  const std::int64_t groups = (clips + most - 1) / most;
  return (clips + groups - 1) / groups;
}

VisionTransformer::Memory VisionTransformer::MemoryOf(const at::Tensor& frames) const {
  const Grid grid = GridOf(frames);
  const std::int64_t d = arch_.dim, time = arch_.tubelet == 1 ? 1 : grid.frames;
  const std::int64_t n = arch_.prefix() + time * grid.rows * grid.columns;
  const std::int64_t pixels = 3 * time * arch_.tubelet * frames.size(3) * frames.size(4);
  const bool rotary =
      arch_.positions == Positions::kAxialRotary || arch_.positions == Positions::kSpaceTimeRotary;
  // Beside the buffers: normalised tokens and mixed values; rotary positions hold each of query and
  // key several times while they turn it.
  const std::int64_t inner = (arch_.gated ? 3 : 1) * arch_.hidden;
  const std::int64_t buffers = 4 * n * d + std::min(n, kRows) * inner;
  const auto bytes = static_cast<std::int64_t>(sizeof(float));
  const std::int64_t clips = frames.size(0) * (arch_.tubelet == 1 ? frames.size(1) : 1);
  return {bytes * 3 * n * d,
          bytes * (buffers + std::max(n * d * (rotary ? 7 : 2), 2 * pixels + n * d)),
          GroupOf(clips, n)};
}

// The grid that attention sees: of an image model every frame is a clip of its own.
Grid VisionTransformer::AttendedGrid(const at::Tensor& frames) const {
  Grid grid = GridOf(frames);
  if (arch_.tubelet == 1) grid.frames = 1;
  return grid;
}

void VisionTransformer::PreparePositions(const at::Tensor& frames) const {
  const at::NoGradGuard no_grad;
  const Grid grid = AttendedGrid(frames);
  RotaryOf(grid);
  AddedPositions(grid);
}

Tokens VisionTransformer::Forward(const at::Tensor& frames, const Observer& observe) const {
  const at::NoGradGuard no_grad;
  const Grid clip_grid = GridOf(frames), grid = AttendedGrid(frames);
  at::Tensor input = frames.to(device_, at::kFloat);
  if (arch_.tubelet == 1) input = input.flatten(0, 1).unsqueeze(1);
  const std::int64_t clips = input.size(0);
  at::Tensor x = at::empty({clips, arch_.prefix() + grid.tokens(), arch_.dim}, input.options());
  const Rotary* rotary = RotaryOf(grid);
  const std::int64_t group = GroupOf(clips, x.size(1));
  const std::vector<at::Tensor> inputs = input.split(group), parts = x.split(group);
  const Buffers buffers = MakeBuffers(group * x.size(1));
  for (std::size_t i = 0; i < parts.size(); ++i) Embed(inputs[i], grid, parts[i]);
  if (observe) observe("embeddings", x);
  for (std::size_t layer = 0; layer < params_.blocks.size(); ++layer) {
    const Block block = widened_ ? params_.blocks[layer].Widened() : params_.blocks[layer];
    for (const at::Tensor& part : parts) {
      Attend(part, block, rotary, buffers);
      Transform(part, block, buffers);
    }
    if (observe) observe("layer_" + std::to_string(layer), x);
  }
  if (arch_.final_norm) x = params_.final_norm(x);
  return {x, clip_grid, arch_.prefix()};
}

}  // namespace cross4d::vit
