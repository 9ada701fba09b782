// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/vit/linear.h"
#include "core/vit/positions.h"

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// The vision transformer that all ViT teachers share: frozen, for inference only.
namespace cross4d::vit {

enum class Activation { kGelu, kSilu };  ///< GELU in its exact form

enum class Positions {
  kLearned,          ///< DINOv2: a learned table, resized
  kAxialRotary,      ///< DINOv3
  kSpaceTimeRotary,  ///< V-JEPA 2
  kSine,             ///< VideoMAE
};

/// Sizes and rules of an encoder.
struct Architecture {
  std::int64_t dim = 0, layers = 0, heads = 0;
  std::int64_t hidden = 0;              ///< channels inside the MLP (of one half when gated)
  std::int64_t patch = 0, tubelet = 1;  ///< pixels and frames per token
  std::int64_t registers = 0;
  bool class_token = false;
  double norm_eps = 0;
  Activation activation = Activation::kGelu;
  bool gated = false;  ///< MLP: down(act(gate) * up)
  bool final_norm = true;
  Positions positions = Positions::kLearned;
  std::int64_t table_side = 0;   ///< kLearned: the table is side x side
  bool antialias = false;        ///< kLearned: when it is resized
  double rope_theta = 0;         ///< kAxialRotary
  std::int64_t rotary_side = 0;  ///< kSpaceTimeRotary: positions from side x side; 0 = the input's
  std::int64_t frames = 0, height = 0, width = 0;  ///< the only input it takes; 0 = any

  std::int64_t prefix() const { return (class_token ? 1 : 0) + registers; }
  /// Error(kInput) with `where` in front: heads do not divide the channels, …
  void Check(const std::string& where) const;
};

struct Norm {
  at::Tensor weight, bias;  ///< [D] float32
  double eps = 0;
  at::Tensor operator()(const at::Tensor& x) const;
};

/// x += attention(norm1(x)); x += mlp(norm2(x)). LayerScale is folded into `out` and `down`.
struct Block {
  Norm norm1;
  Linear qkv, out;  ///< [3D, D] rows query, key, value; [D, D]
  Norm norm2;
  Linear up, down;  ///< [hidden, D], gated [2 hidden, D] rows gate, up; [D, hidden]
  /// The same block with its linear layers in float32.
  Block Widened() const;
};

struct Parameters {
  Linear patches;             ///< [D, 3 * tubelet * patch * patch]: the patch convolution
  at::Tensor class_token;     ///< [1, 1, D] float32, or undefined
  at::Tensor registers;       ///< [1, R, D] float32, or undefined
  at::Tensor class_position;  ///< kLearned: [1, 1, D]
  at::Tensor position_table;  ///< kLearned: [side * side, D]
  std::vector<Block> blocks;
  Norm final_norm;
};

/// All tokens of a batch.
struct Tokens {
  at::Tensor hidden;  ///< [B', N, D] float32: class token, registers, patches; B' = clips, or for
                      ///< image models clips * frames
  Grid grid;          ///< of the patches of one clip; image models: frames = T
  std::int64_t prefix = 0;
  /// [B, T', rows, columns, D]
  at::Tensor patches() const;
};

/// Sees the input of block 0 ("embeddings") and each block's output ("layer_0", …): [B', N, D],
/// which the next block overwrites.
using Observer = std::function<void(const std::string& name, const at::Tensor& tokens)>;

/// Forward may be called by one thread at a time (it keeps the position tables of the last
/// grid), or by several on frames of one size after PreparePositions.
class VisionTransformer {
 public:
  /// Computes where the parameters lie, in the linear layers' type; the stream of tokens, norms,
  /// softmax and rotary tables stay in float32. bfloat16 layers on a processor that cannot multiply
  /// bfloat16 are widened to float32, one block at a time while it is in use.
  VisionTransformer(Architecture architecture, Parameters parameters);

  const Architecture& architecture() const { return arch_; }
  at::Device device() const { return device_; }
  /// frames [B, T, 3, H, W] float32. A rest of H, W or T below a patch or tubelet is dropped; a
  /// clip shorter than a tubelet is repeated. No gradient. A clip's tokens on a CPU are the
  /// same bits alone and in any batch. Error(kInput): an input
  /// it does not take.
  Tokens Forward(const at::Tensor& frames, const Observer& observe = {}) const;
  /// Makes the position tables of such frames.
  void PreparePositions(const at::Tensor& frames) const;

  /// Memory of Forward on such frames beside the weights and the frames themselves, as an upper
  /// estimate.
  struct Memory {
    std::int64_t clip;   ///< of every clip of the batch [bytes]
    std::int64_t work;   ///< of every clip that is computed together with others [bytes]
    std::int64_t group;  ///< how many those are
    std::int64_t Of(std::int64_t clips) const {
      return clips * clip + (clips < group ? clips : group) * work;
    }
  };
  Memory MemoryOf(const at::Tensor& frames) const;

  /// For tests: whether bfloat16 layers are widened.
  void set_widened(bool widened) { widened_ = widened; }

 private:
  /// Results of the linear layers, used again by every block: memory that is asked for anew costs
  /// its pages anew.
  struct Buffers {
    at::Tensor qkv, inner, out;  ///< [rows, 3D], [rows of an MLP, hidden], [rows, D]
  };

  Grid GridOf(const at::Tensor& frames) const;
  Grid AttendedGrid(const at::Tensor& frames) const;
  Buffers MakeBuffers(std::int64_t rows) const;
  void Embed(const at::Tensor& frames, const Grid& grid, const at::Tensor& tokens) const;
  void Attend(const at::Tensor& x,
              const Block& block,
              const Rotary* rotary,
              const Buffers& buffers) const;
  void Transform(const at::Tensor& x, const Block& block, const Buffers& buffers) const;
  /// How many clips of so many tokens are computed together.
  std::int64_t GroupOf(std::int64_t clips, std::int64_t tokens) const;
  const at::Tensor* AddedPositions(const Grid& grid) const;
  const Rotary* RotaryOf(const Grid& grid) const;

  Architecture arch_;
  Parameters params_;
  at::Device device_;
  bool widened_ = false;
  mutable Grid added_grid_{0, 0, 0}, rotary_grid_{0, 0, 0};
  mutable at::Tensor added_;
  mutable Rotary rotary_;
};

}  // namespace cross4d::vit
