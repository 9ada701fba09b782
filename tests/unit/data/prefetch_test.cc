// SPDX-License-Identifier: Apache-2.0
#include "core/data/prefetch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

namespace cross4d::data {
namespace {

TEST(Prefetch, GivesItemsInOrder) {
  Prefetch<std::unique_ptr<std::int64_t>> items(
      3, 50, [](std::int64_t i) { return std::make_unique<std::int64_t>(i * i); });
  for (std::int64_t i = 3; i < 50; ++i) EXPECT_EQ(*items.Next(), i * i);
}

TEST(Prefetch, IsNeverMoreThanTwoAhead) {
  std::atomic<std::int64_t> made = 0;
  Prefetch<std::int64_t> items(0, 1000, [&](std::int64_t i) {
    ++made;
    return i;
  });
  for (std::int64_t taken = 0; taken < 20; ++taken) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_LE(made, taken + 2);
    items.Next();
  }
}

TEST(Prefetch, AnErrorComesWithItsItem) {
  Prefetch<std::int64_t> items(0, 10, [](std::int64_t i) {
    if (i == 2) throw std::runtime_error("item 2");
    return i;
  });
  EXPECT_EQ(items.Next(), 0);
  EXPECT_EQ(items.Next(), 1);
  EXPECT_THROW(items.Next(), std::runtime_error);
}

TEST(Prefetch, EndsInTheMiddle) {
  for (int round = 0; round < 50; ++round) {
    Prefetch<std::int64_t> items(0, 1000, [](std::int64_t i) { return i; });
    if (round % 2 == 0) items.Next();
  }
}

}  // namespace
}  // namespace cross4d::data
