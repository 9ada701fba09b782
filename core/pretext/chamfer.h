// SPDX-License-Identifier: Apache-2.0
// The loop over pairs of points, in a unit of its own without LibTorch.
#pragma once

#include <cstdint>

namespace cross4d::pretext {

/// For every point of a [groups, n, 3] the index of the nearest point of b [groups, m, 3] in the
/// same group, ties to the lower index: nearest [groups, n].
void NearestInGroup(const float* a,
                    const float* b,
                    std::int64_t groups,
                    std::int64_t n,
                    std::int64_t m,
                    std::int64_t* nearest);

}  // namespace cross4d::pretext
