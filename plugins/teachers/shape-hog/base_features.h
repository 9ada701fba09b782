// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

/// Hand-made features of depth-shaded frames, one vector per cell of 4 x 4 pixels. Free of
/// LibTorch.
namespace cross4d::shape_hog {

inline constexpr std::int64_t kCell = 4;  ///< side of a cell [px]
inline constexpr std::int64_t kBaseChannels = 81;
inline constexpr std::int64_t kMotionChannels = 8;  ///< further ones with signed motion

/// Frames of one clip; values 0 (background) to 1.
struct FrameStack {
  const float* pixels =
      nullptr;  ///< frame t begins at pixels + t * frame_stride; rows are contiguous
  std::int64_t frame_stride = 0;
  std::int64_t frames = 0, height = 0, width = 0;  ///< height and width are multiples of 4
};

/// Channels per cell: 81, or 89 with signed motion.
std::int64_t Channels(bool motion);

/// [frames, height / 4, width / 4, Channels(motion)], contiguous. Channels in this order:
///   0-31  gradient orientation histograms: 2 image scales x 2 pooling scales x 8 bins
///   32-56 DCT: 5 x 5 lowest frequencies of the 16 x 16 pixels around the cell
///   57-62 depth, then occupancy, each at 3 scales
///   63-70 rise and fall of the image since the last and to the next frame, each at 2 scales
///   71-80 position of the cell: x, y, sines and cosines
///   81-88 with motion: signed change of depth and occupancy since 1 and 2 frames, each at 2 scales
std::vector<float> BaseFeatures(const FrameStack& clip, bool motion);

}  // namespace cross4d::shape_hog
