// SPDX-License-Identifier: Apache-2.0
#include "core/report/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>

namespace cross4d::report {
namespace {

TEST(Statistics, SampleStandardDeviation) {
  const Moments m = MomentsOf({2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_DOUBLE_EQ(*m.mean, 5);
  EXPECT_DOUBLE_EQ(*m.std, std::sqrt(32.0 / 7));  // ddof = 1; with ddof = 0 it would be 2
  EXPECT_FALSE(MomentsOf({}).mean.has_value());
  EXPECT_EQ(MomentsOf({3}).mean, 3);
  EXPECT_FALSE(MomentsOf({3}).std.has_value());
}

TEST(Statistics, PairedTTestKnownValues) {
  // Differences 0.1, 0.2, 0.3: mean 0.2, sd 0.1, t = 2 sqrt(3), 2 degrees of freedom. There the
  // distribution is known in closed form: p = 1 - t / sqrt(2 + t^2).
  const double t = 2 * std::sqrt(3.0);
  EXPECT_NEAR(*PairedTTest({0.5, 0.7, 0.9}, {0.4, 0.5, 0.6}), 1 - t / std::sqrt(2 + t * t), 1e-12);
  // One degree of freedom: p = 1 - 2 atan(|t|) / pi.
  const double t1 = 1.5 / (std::sqrt(0.5) / std::sqrt(2.0));
  EXPECT_NEAR(*PairedTTest({1, 2}, {0, 0}), 1 - 2 * std::atan(t1) / M_PI, 1e-12);
}

TEST(Statistics, PairedTTestEdges) {
  EXPECT_FALSE(PairedTTest({1}, {2}).has_value());
  EXPECT_EQ(PairedTTest({1, 2}, {1, 2}), 1.0);
  EXPECT_EQ(PairedTTest({2, 3}, {1, 2}), 0.0);
}

TEST(Statistics, HolmKnownValues) {
  EXPECT_THAT(HolmCorrect({0.01, 0.04, 0.03, 0.005}),
              testing::ElementsAre(testing::DoubleEq(0.03),
                                   testing::DoubleEq(0.06),
                                   testing::DoubleEq(0.06),
                                   testing::DoubleEq(0.02)));
  EXPECT_TRUE(HolmCorrect({}).empty());
  EXPECT_THAT(HolmCorrect({0.9, 0.8}), testing::ElementsAre(1.0, 1.0));
}

TEST(Statistics, HolmKeepsTheOrderAndNeverLowers) {
  const bool ok = rc::check([] {
    const auto raw = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1001));
    std::vector<double> p;
    for (const int value : raw) p.push_back(value / 1000.0);
    const std::vector<double> corrected = HolmCorrect(p);
    for (std::size_t i = 0; i < p.size(); ++i) {
      RC_ASSERT(corrected[i] >= p[i]);
      RC_ASSERT(corrected[i] <= 1.0);
      for (std::size_t j = 0; j < p.size(); ++j) {
        if (p[i] < p[j]) RC_ASSERT(corrected[i] <= corrected[j]);
      }
    }
  });
  EXPECT_TRUE(ok);
}

TEST(Statistics, PairedTTestIsSymmetric) {
  const bool ok = rc::check([] {
    const auto raw = *rc::gen::container<std::vector<std::pair<int, int>>>(
        rc::gen::pair(rc::gen::inRange(-100, 100), rc::gen::inRange(-100, 100)));
    std::vector<double> a, b;
    for (const auto& [x, y] : raw) {
      a.push_back(x);
      b.push_back(y);
    }
    const auto p = PairedTTest(a, b), q = PairedTTest(b, a);
    RC_ASSERT(p.has_value() == (raw.size() >= 2));
    RC_ASSERT(p == q);
    if (p) RC_ASSERT(*p >= 0 && *p <= 1);
  });
  EXPECT_TRUE(ok);
}

}  // namespace
}  // namespace cross4d::report
