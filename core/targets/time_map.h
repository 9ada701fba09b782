// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace cross4d::targets {

/// How a clip's frames meet a teacher's clip length and tubelets.
struct TimeMap {
  std::vector<std::int64_t>
      model_frames;                   ///< clip frame that each of the teacher's input frames shows
  std::vector<std::int64_t> tubelet;  ///< of clip frame t: index in time of the token it reads
};

/// `model_length` = the exact number of frames that the teacher takes, 0 = any: then the clip goes
/// in as it is, its last frame repeated up to a multiple of `tubelet`. Otherwise the clip is
/// resampled uniformly, and frame t reads the tubelet of the model frame nearest to it in time.
TimeMap MapTime(std::int64_t clip_length, std::int64_t model_length, std::int64_t tubelet);

}  // namespace cross4d::targets
