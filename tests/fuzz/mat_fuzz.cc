// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/error.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "plugins/datasets/utd-mhad/mat5.h"

// Reads at most this much of an array: a few compressed bytes may promise gigabytes.
constexpr std::int64_t kMostBytes = 1 << 20;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cross4d::utd_mhad;
  for (const MatType type : {MatType::kUint16, MatType::kDouble}) {
    try {
      MatArray array("fuzz", {data, data + size}, type);
      std::int64_t bytes = type == MatType::kUint16 ? 2 : 8;
      for (const std::int64_t n : array.dims()) bytes *= n;
      std::vector<unsigned char> target(static_cast<std::size_t>(std::min(bytes, kMostBytes)));
      array.Read(target.data(), target.size(), "the array");
      if (bytes <= kMostBytes) array.Finish();
    } catch (const cross4d::Error&) {
    }
  }
  return 0;
}
