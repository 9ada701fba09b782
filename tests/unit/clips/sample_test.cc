// SPDX-License-Identifier: Apache-2.0
#include "core/clips/sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

namespace cross4d::clips {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Candidates = std::vector<std::uint32_t>;

Candidates Draw(std::int64_t count, std::uint64_t seed, std::int64_t n) {
  Candidates candidates;
  AllRows(n, &candidates);
  EXPECT_TRUE(SamplePoints(count, RandomStream(seed), &candidates));
  return candidates;
}

TEST(Sample, AllRowsInOrder) {
  Candidates rows = {7};
  AllRows(4, &rows);
  EXPECT_THAT(rows, ElementsAre(0, 1, 2, 3));
  AllRows(0, &rows);
  EXPECT_THAT(rows, IsEmpty());
}

TEST(Sample, NothingToDrawFrom) {
  Candidates none;
  EXPECT_FALSE(SamplePoints(5, RandomStream(1), &none));
  EXPECT_THAT(none, IsEmpty());
}

// Every candidate is drawn about equally often: 4,000 draws of 3 of 12, expected 1,000 each.
TEST(Sample, IsUniform) {
  std::map<std::uint32_t, int> times;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    for (const std::uint32_t row : Draw(3, MixSeed({seed}), 12)) ++times[row];
  }
  for (const auto& [row, n] : times) EXPECT_NEAR(n, 1000, 150) << row;
}

// The stream of a frame follows from seed, video and frame, and from nothing else.
TEST(Sample, FramesHaveStreamsOfTheirOwn) {
  const std::uint64_t one = FrameRandom(0, "a01_s01_e01", 3).Next();
  EXPECT_EQ(one, FrameRandom(0, "a01_s01_e01", 3).Next());
  EXPECT_NE(one, FrameRandom(1, "a01_s01_e01", 3).Next());
  EXPECT_NE(one, FrameRandom(0, "a01_s01_e02", 3).Next());
  EXPECT_NE(one, FrameRandom(0, "a01_s01_e01", 4).Next());
}

RC_GTEST_PROP(SampleProperty, EveryCandidateAsOftenAsItFits, ()) {
  const auto n = *rc::gen::inRange<std::int64_t>(1, 200);
  const auto count = *rc::gen::inRange<std::int64_t>(1, 500);
  const auto drawn = Draw(count, *rc::gen::arbitrary<std::uint64_t>(), n);
  RC_ASSERT(static_cast<std::int64_t>(drawn.size()) == count);
  std::map<std::uint32_t, std::int64_t> times;
  for (const std::uint32_t row : drawn) ++times[row];
  for (std::int64_t row = 0; row < n; ++row) {
    const std::int64_t found = times[static_cast<std::uint32_t>(row)];
    RC_ASSERT(found == count / n || found == count / n + 1);
  }
  RC_ASSERT(static_cast<std::int64_t>(times.size()) == n);  // no row that was not offered
}

RC_GTEST_PROP(SampleProperty, FewerPointsAreTheFirstOfMore, ()) {
  const auto n = *rc::gen::inRange<std::int64_t>(2, 200);
  const auto many = *rc::gen::inRange<std::int64_t>(2, n + 1);
  const auto few = *rc::gen::inRange<std::int64_t>(1, many);
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const auto a = Draw(few, seed, n), b = Draw(many, seed, n);
  RC_PRE(many < n);
  RC_ASSERT(std::equal(a.begin(), a.end(), b.begin()));
}

TEST(FrameSources, EmptyFramesTakeTheNearest) {
  EXPECT_THAT(FrameSources({false, false}), ElementsAre(0, 1));
  EXPECT_THAT(FrameSources({true, false, true, false}), ElementsAre(1, 1, 1, 3));
  EXPECT_THAT(FrameSources({false, true, true, true, false}), ElementsAre(0, 0, 0, 4, 4));
  EXPECT_THAT(FrameSources({true, true}), IsEmpty());
  EXPECT_THAT(FrameSources({}), IsEmpty());
}

RC_GTEST_PROP(FrameSourcesProperty, TheNearestWithPoints, ()) {
  const auto empty = *rc::gen::container<std::vector<bool>>(rc::gen::arbitrary<bool>());
  const auto frames = static_cast<std::int64_t>(empty.size());
  const auto sources = FrameSources(empty);
  if (std::all_of(empty.begin(), empty.end(), [](bool e) { return e; })) {
    RC_ASSERT(sources.empty());
    return;
  }
  for (std::int64_t i = 0; i < frames; ++i) {
    const std::int64_t from = sources[static_cast<std::size_t>(i)];
    RC_ASSERT(!empty[static_cast<std::size_t>(from)]);
    for (std::int64_t j = 0; j < frames; ++j) {
      if (empty[static_cast<std::size_t>(j)]) continue;
      const std::int64_t gap = std::abs(i - from), other = std::abs(i - j);
      RC_ASSERT(gap < other || (gap == other && from <= j));
    }
  }
}

}  // namespace
}  // namespace cross4d::clips
