// SPDX-License-Identifier: Apache-2.0
#include "blocks.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace cross4d::i_jepa {
namespace {

using torch::Tensor;
using Ranked = std::pair<float, std::int64_t>;

constexpr std::int64_t kLeastContext = 16;  // 1 / 16 of the tokens

/// Writes the tube around token `seed` of one clip, centres [L, 3], to `to`.
void DrawTube(const float* centres,
              const pretext::TokenLayout& layout,
              const BlockSizes& sizes,
              std::int64_t seed,
              std::int64_t first_frame,
              std::int64_t* to) {
  std::vector<Ranked> ranked(static_cast<std::size_t>(layout.per_frame));
  for (std::int64_t f = first_frame; f < first_frame + sizes.frames; ++f) {
    for (std::int64_t s = 0; s < layout.per_frame; ++s) {
      const std::int64_t token = f * layout.per_frame + s;
      float distance = 0;
      for (int axis = 0; axis < 3; ++axis) {
        const float d = centres[3 * token + axis] - centres[3 * seed + axis];
        distance += d * d;
      }
      ranked[static_cast<std::size_t>(s)] = {distance, token};
    }
    std::partial_sort(ranked.begin(), ranked.begin() + sizes.per_frame, ranked.end());
    for (std::int64_t i = 0; i < sizes.per_frame; ++i)
      *to++ = ranked[static_cast<std::size_t>(i)].second;
  }
}

/// The context of one clip: `count` tokens, those outside the tubes first.
void DrawContext(const std::vector<bool>& covered,
                 std::int64_t count,
                 RandomStream& random,
                 std::int64_t* to) {
  std::vector<std::pair<double, std::int64_t>> ranked;
  for (std::size_t i = 0; i < covered.size(); ++i) {
    ranked.emplace_back(random.Uniform() + (covered[i] ? 1 : 0), static_cast<std::int64_t>(i));
  }
  std::partial_sort(ranked.begin(), ranked.begin() + count, ranked.end());
  for (std::int64_t i = 0; i < count; ++i) to[i] = ranked[static_cast<std::size_t>(i)].second;
  std::sort(to, to + count);
}

}  // namespace

Blocks DrawBlocks(const Tensor& centres,
                  const pretext::TokenLayout& layout,
                  const BlockSizes& sizes,
                  RandomStream& random) {
  const Tensor all = centres.contiguous();
  const std::int64_t clips = all.size(0), tokens = layout.tokens();
  const std::int64_t size = sizes.frames * sizes.per_frame;
  Blocks blocks{at::empty({clips, sizes.tubes, size}, at::kLong), {}};
  std::vector<std::vector<bool>> covered;
  std::int64_t fewest = tokens;
  for (std::int64_t b = 0; b < clips; ++b) {
    covered.emplace_back(static_cast<std::size_t>(tokens), false);
    for (std::int64_t k = 0; k < sizes.tubes; ++k) {
      const auto seed = static_cast<std::int64_t>(random.Below(static_cast<std::uint64_t>(tokens)));
      const std::int64_t frame = seed / layout.per_frame;
      const std::int64_t low = std::max<std::int64_t>(0, frame - sizes.frames + 1);
      const std::int64_t high = std::min(frame, layout.frames - sizes.frames);
      const std::int64_t first =
          low + static_cast<std::int64_t>(random.Below(static_cast<std::uint64_t>(high - low + 1)));
      std::int64_t* to = blocks.targets.data_ptr<std::int64_t>() + (b * sizes.tubes + k) * size;
      DrawTube(all.const_data_ptr<float>() + b * tokens * 3, layout, sizes, seed, first, to);
      for (std::int64_t i = 0; i < size; ++i)
        covered.back()[static_cast<std::size_t>(to[i])] = true;
    }
    fewest = std::min<std::int64_t>(
        fewest, std::count(covered.back().begin(), covered.back().end(), false));
  }
  blocks.targets = std::get<0>(at::sort(blocks.targets, -1));
  const std::int64_t least = (tokens + kLeastContext - 1) / kLeastContext;
  const std::int64_t count = std::max<std::int64_t>(
      least, std::llround(sizes.context_share * static_cast<double>(fewest)));
  blocks.context = at::empty({clips, count}, at::kLong);
  for (std::int64_t b = 0; b < clips; ++b) {
    DrawContext(covered[static_cast<std::size_t>(b)],
                count,
                random,
                blocks.context.data_ptr<std::int64_t>() + b * count);
  }
  return blocks;
}

}  // namespace cross4d::i_jepa
