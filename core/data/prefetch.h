// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace cross4d::data {

/// Makes the items [begin, end) of a sequence on a thread of its own, in order, ahead of the one
/// who takes them. At most two exist besides the one that was taken: the item in the making counts.
template <class T>
class Prefetch {
 public:
  /// `make` is called on that thread only, once per index.
  Prefetch(std::int64_t begin, std::int64_t end, std::function<T(std::int64_t)> make)
      : make_(std::move(make)), thread_([this, begin, end] { Run(begin, end); }) {}
  ~Prefetch() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  /// The next item, or what making it threw. Not to be called after the last one or an exception.
  T Next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !items_.empty() || error_ != nullptr; });
    if (items_.empty()) std::rethrow_exception(error_);
    T item = std::move(items_.front());
    items_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return item;
  }

 private:
  static constexpr std::size_t kAhead = 2;

  void Run(std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stop_ || items_.size() < kAhead; });
      if (stop_) return;
      lock.unlock();
      try {
        T item = make_(i);
        lock.lock();
        items_.push_back(std::move(item));
      } catch (...) {
        if (!lock.owns_lock()) lock.lock();
        error_ = std::current_exception();
        stop_ = true;
      }
      lock.unlock();
      changed_.notify_all();
    }
  }

  const std::function<T(std::int64_t)> make_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
  std::exception_ptr error_;
  bool stop_ = false;
  std::thread thread_;  // last: it uses the members above
};

}  // namespace cross4d::data
