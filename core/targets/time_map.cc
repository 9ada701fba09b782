// SPDX-License-Identifier: Apache-2.0
#include "core/targets/time_map.h"

#include <cross4d/sdk/error.h>

#include <algorithm>
#include <string>

namespace cross4d::targets {
namespace {

// Index among `to` evenly spaced frames that is nearest to frame `i` of `from`; halves round down.
std::int64_t Nearest(std::int64_t i, std::int64_t from, std::int64_t to) {
  if (from == 1) return 0;
  const std::int64_t scaled = i * (to - 1);
  return (2 * scaled + from - 2) / (2 * (from - 1));
}

}  // namespace

TimeMap MapTime(std::int64_t clip_length, std::int64_t model_length, std::int64_t tubelet) {
  if (clip_length < 1 || tubelet < 1 || model_length % tubelet != 0) {
    throw Error(ErrorCode::kPlugin,
                "teacher takes " + std::to_string(model_length) + " frames in tubelets of " +
                    std::to_string(tubelet) + ": the first must be a multiple of the second");
  }
  TimeMap map;
  const bool resample = model_length != 0 && model_length != clip_length;
  const std::int64_t length =
      resample ? model_length : (clip_length + tubelet - 1) / tubelet * tubelet;
  for (std::int64_t j = 0; j < length; ++j) {
    map.model_frames.push_back(resample ? Nearest(j, length, clip_length)
                                        : std::min(j, clip_length - 1));
  }
  for (std::int64_t t = 0; t < clip_length; ++t) {
    map.tubelet.push_back((resample ? Nearest(t, clip_length, length) : t) / tubelet);
  }
  return map;
}

}  // namespace cross4d::targets
