// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <string>

namespace cross4d {
inline namespace v1 {

/// What the host must know to feed a teacher.
struct TeacherTraits {
  std::int64_t dim = 0;                 ///< D, channels of a patch token
  std::int64_t patch = 14;              ///< patch size; image sides must be multiples of it [px]
  std::int64_t tubelet = 1;             ///< frames per token in time; 1 = image teacher (T' = T)
  std::int64_t frames = 0;              ///< exact clip length it takes; 0 = any
  std::array<double, 3> mean{0, 0, 0};  ///< of the input normalisation (x - mean) / std
  std::array<double, 3> std{1, 1, 1};
};

/// The training split's rendered clips; may be walked more than once, always in the same order.
class FrameSource {
 public:
  virtual ~FrameSource() = default;
  virtual std::int64_t size() const = 0;
  /// Clip `i`: [T, 3, H, W] float32, normalised with the teacher's mean and std.
  virtual torch::Tensor At(std::int64_t i) const = 0;
};

/// A frozen 2D model that turns rendered frames into patch tokens (paper, Eq. 2).
///
/// Never trained by a run and independent of the run seed. Called from one thread at a time.
class Teacher {
 public:
  virtual ~Teacher() = default;

  virtual TeacherTraits traits() const = 0;
  /// Statistics from the training split, called once before the first Encode. Models with weights
  /// of their own ignore it (`needs_fit` false: the host does not render the split twice).
  virtual bool needs_fit() const { return false; }
  virtual void Fit(const FrameSource& /*train*/) {}
  /// frames [B, T, 3, H, W] float32 (normalised) -> patch tokens [B, T', H/patch, W/patch, D]
  /// float32. No gradient. Result for a clip does not depend on the other clips of the batch.
  virtual torch::Tensor Encode(const torch::Tensor& frames) = 0;
  /// All tokens of the last layer, for comparison with the model's other implementations: [B, N, D]
  /// float32, class token and registers first, then the patch tokens of Encode in the order frame,
  /// row, column; B * T rows for an image teacher. Default: the patch tokens.
  virtual torch::Tensor EncodeHidden(const torch::Tensor& frames) {
    return Encode(frames).flatten(1, -2);
  }
  /// A short text that changes when the weights at the location change; empty for a teacher
  /// without.
  virtual std::string Fingerprint() const { return {}; }
};

}  // namespace v1
}  // namespace cross4d
