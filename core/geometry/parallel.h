// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

namespace cross4d::geometry {

/// Calls `work(i)` for i in [0, count) on at most `threads` threads; each i once, on one thread.
/// With `threads` <= 1 everything runs in the caller. The first exception is thrown again here.
/// The work of different i must be independent, so that results do not depend on `threads`.
void ForEach(std::int64_t count, int threads, const std::function<void(std::int64_t)>& work);

}  // namespace cross4d::geometry
