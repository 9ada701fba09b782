// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/error.h>

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>

namespace cross4d {
inline namespace v1 {

/// Geometry of a clip's tokens: no parameters, independent of the run seed, so it is cached.
/// CPU tensors, contiguous.
struct TokenGeometry {
  torch::Tensor centres;  ///< [L, 3] float32, in the input's coordinates (paper, p_k)
  torch::Tensor frames;   ///< [L] int64: frame of each token
  torch::Tensor
      nearest;  ///< [L] int64: index of the nearest input point in that frame, 0..N-1 (Eq. 4)
  /// What else forward needs, by name: neighbour indices (int64 or int16), normalisation, …
  /// Same names and shapes for every clip of one T and N.
  std::map<std::string, torch::Tensor> extra;
};

/// A batch for Student::Forward: TokenGeometry of B clips stacked along a new first dimension.
struct StudentInput {
  torch::Tensor points;                        ///< [B, T, N, 3] float32
  torch::Tensor centres;                       ///< [B, L, 3]
  torch::Tensor frames;                        ///< [B, L] int64
  std::map<std::string, torch::Tensor> extra;  ///< [B, ...]
};

/// Dense tokens of a batch.
struct StudentOutput {
  torch::Tensor features;  ///< [B, L, C] float32
  torch::Tensor centres;   ///< [B, L, 3], in the input's coordinates
  torch::Tensor frames;    ///< [B, L] int64
};

/// A geometry-only 4D encoder. Parameters and buffers are those of the torch module, initialised
/// from torch's generator at construction (the host seeds it from the run seed).
class Student : public torch::nn::Module {
 public:
  /// points [T, N, 3] float32 on the CPU. Thread-safe and const: no parameters are touched.
  virtual TokenGeometry Tokenize(const torch::Tensor& points) const = 0;
  /// Train or eval mode as set on the module. In eval mode a clip's features do not depend on the
  /// batch.
  virtual StudentOutput Forward(const StudentInput& input) = 0;
  /// The two halves of Forward, for objectives that hide tokens (tag `maskable`):
  /// Forward(x).features == Encode(Embed(x), centres, frames). Embed gives each token by itself
  /// with its position added, [B, L, C]; Encode mixes any subset of them, features [B, L', C],
  /// centres [B, L', 3], frames [B, L'] -> [B, L', C].
  virtual torch::Tensor Embed(const StudentInput& /*input*/) { NoHalves(); }
  virtual torch::Tensor Encode(const torch::Tensor& /*tokens*/,
                               const torch::Tensor& /*centres*/,
                               const torch::Tensor& /*frames*/) {
    NoHalves();
  }
  /// C, channels of a token.
  virtual std::int64_t dim() const = 0;

 private:
  [[noreturn]] static void NoHalves() {
    throw Error(ErrorCode::kPlugin,
                "this student does not provide `maskable`: no Embed and Encode");
  }
};

}  // namespace v1
}  // namespace cross4d
