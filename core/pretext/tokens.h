// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/random.h>
#include <cross4d/sdk/student.h>

#include <torch/types.h>

#include <cstdint>

namespace cross4d::pretext {

/// How the tokens of a clip lie: frame after frame, the same number in each.
struct TokenLayout {
  std::int64_t frames = 0;     ///< T', frames that have tokens
  std::int64_t per_frame = 0;  ///< m
  std::int64_t tokens() const { return frames * per_frame; }
};

/// The layout of frames [B, L]. Error(kInput) when clips differ or a frame has more tokens than
/// another.
TokenLayout LayoutOf(const torch::Tensor& frames);

/// Rows of x [B, L, ...] by index [B, K] int64: [B, K, ...].
torch::Tensor Take(const torch::Tensor& x, const torch::Tensor& index);

/// Where clips lie: centroid of all points and greatest distance from it.
struct ClipScale {
  torch::Tensor origin;  ///< [B, 1, 3]
  torch::Tensor radius;  ///< [B, 1, 1], positive
};
ClipScale ScaleOf(const torch::Tensor& points);

/// [B, L, 4]: centres in the clip's unit sphere, and time from -1 to 1 over its frames.
torch::Tensor PlacesOf(const StudentInput& input);

/// Which tokens the encoder sees: indices [B, ...] int64, rising.
struct TokenSplit {
  torch::Tensor visible, hidden;
};

/// Hides floor(ratio * L) tokens of each clip, at least one and not all. Error(kInput) for fewer
/// than two tokens.
TokenSplit HideAnywhere(std::int64_t clips,
                        const TokenLayout& layout,
                        double ratio,
                        const torch::Generator& generator);
/// Hides floor(ratio * m) tokens of each frame of each clip, likewise.
TokenSplit HidePerFrame(std::int64_t clips,
                        const TokenLayout& layout,
                        double ratio,
                        const torch::Generator& generator);

/// Encode on some of the tokens that Embed gave: index [B, K] -> features [B, K, C].
torch::Tensor EncodeSome(Student& student,
                         const torch::Tensor& tokens,
                         const StudentInput& input,
                         const torch::Tensor& index);

/// A stream of its own for what is drawn number by number.
RandomStream StreamOf(const torch::Generator& generator);

}  // namespace cross4d::pretext
