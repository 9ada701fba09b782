// SPDX-License-Identifier: Apache-2.0
#include "core/base/seed.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>
#include <set>

namespace cross4d::base {
namespace {

// Golden values: a change would give every experiment other random numbers.
TEST(DeriveSeed, Golden) {
  EXPECT_EQ(DeriveSeed(0, "init"), 0xa727e83b075c84c0u);
  EXPECT_EQ(DeriveSeed(1, "init"), 0xb181d505f143740du);
  EXPECT_EQ(DeriveSeed(0, "batch-order", 0), 0xc2784d083913a800u);
  EXPECT_EQ(DeriveSeed(0, "batch-order", 7), 0xb8dd51e6ea8118f5u);
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(DeriveSeed(kMax, "", kMax), 0xb7294f505545defcu);
}

TEST(DeriveSeed, StreamsDoNotMeet) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (const char* purpose : {"init", "order", "masks", ""}) {
      for (std::uint64_t index = 0; index < 200; ++index)
        seen.insert(DeriveSeed(seed, purpose, index));
    }
  }
  EXPECT_EQ(seen.size(), 20u * 4 * 200);
}

// The published sequence of the algorithm for this seed.
TEST(SplitMix64, PublishedSequence) {
  SplitMix64 random(1234567);
  EXPECT_EQ(random.Next(), 6457827717110365317u);
  EXPECT_EQ(random.Next(), 3203168211198807973u);
  EXPECT_EQ(random.Next(), 9817491932198370423u);
}

TEST(SplitMix64, BelowStaysBelow) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    const auto n = *rc::gen::inRange<std::uint64_t>(1, 1000);
    SplitMix64 random(seed);
    for (int i = 0; i < 50; ++i) RC_ASSERT(random.Below(n) < n);
    RC_ASSERT(random.Below(1) == 0u);
  }));
}

TEST(SplitMix64, BelowAndUniformAreEven) {
  SplitMix64 random(5);
  int counts[3] = {};
  double sum = 0;
  for (int i = 0; i < 30000; ++i) {
    ++counts[random.Below(3)];
    const double u = random.Uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
  }
  // Five standard deviations of a fair draw.
  for (const int count : counts) EXPECT_NEAR(count, 10000, 5 * 82);
  EXPECT_NEAR(sum / 30000, 0.5, 5 * 0.00167);
}

}  // namespace
}  // namespace cross4d::base
