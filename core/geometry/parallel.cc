// SPDX-License-Identifier: Apache-2.0
#include "core/geometry/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace cross4d::geometry {

void ForEach(std::int64_t count, int threads, const std::function<void(std::int64_t)>& work) {
  const auto used = std::min<std::int64_t>(std::max(threads, 1), count);
  if (used <= 1) {
    for (std::int64_t i = 0; i < count; ++i) work(i);
    return;
  }
  std::atomic<std::int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr first;
  const auto loop = [&] {
    try {
      for (std::int64_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first) first = std::current_exception();
      next = count;
    }
  };
  {
    std::vector<std::jthread> pool;
    for (std::int64_t i = 1; i < used; ++i) pool.emplace_back(loop);
    loop();
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace cross4d::geometry
