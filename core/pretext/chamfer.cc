// SPDX-License-Identifier: Apache-2.0
#include "core/pretext/chamfer.h"

#include <vector>

namespace cross4d::pretext {

void NearestInGroup(const float* a,
                    const float* b,
                    std::int64_t groups,
                    std::int64_t n,
                    std::int64_t m,
                    std::int64_t* nearest) {
  std::vector<float> plane(static_cast<std::size_t>(4 * m));
  float *x = plane.data(), *y = x + m, *z = y + m, *distance = z + m;
  for (std::int64_t g = 0; g < groups; ++g, a += 3 * n, b += 3 * m, nearest += n) {
    for (std::int64_t j = 0; j < m; ++j) {
      x[j] = b[3 * j];
      y[j] = b[3 * j + 1];
      z[j] = b[3 * j + 2];
    }
    for (std::int64_t i = 0; i < n; ++i) {
      const float ax = a[3 * i], ay = a[3 * i + 1], az = a[3 * i + 2];
      for (std::int64_t j = 0; j < m; ++j) {
        const float dx = x[j] - ax, dy = y[j] - ay, dz = z[j] - az;
        distance[j] = dx * dx + dy * dy + dz * dz;
      }
      std::int64_t best = 0;
      for (std::int64_t j = 1; j < m; ++j) best = distance[j] < distance[best] ? j : best;
      nearest[i] = best;
    }
  }
}

}  // namespace cross4d::pretext
