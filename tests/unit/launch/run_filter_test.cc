// SPDX-License-Identifier: Apache-2.0
#include "core/launch/run_filter.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan_fixture.h"

namespace cross4d::launch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<int> Select(const std::string& expression) {
  const PlanFixture plan(3);
  return SelectRuns(plan.graph(), RunFilter(expression));
}

TEST(RunFilterTest, KeepsWhatMatchesEveryCondition) {
  EXPECT_THAT(Select("seed=1"), ElementsAre(1));
  EXPECT_THAT(Select("seed=0|2"), ElementsAre(0, 2));
  EXPECT_THAT(Select("seed!=1"), ElementsAre(0, 2));
  EXPECT_THAT(Select("objective.plugin=scripted, seed=2"), ElementsAre(2));
  EXPECT_THAT(Select("objective.plugin=\"scripted\""), ElementsAre(0, 1, 2));
  EXPECT_THAT(Select("pretrain.epochs=4"), IsEmpty());
  EXPECT_THAT(Select("key=run1"), ElementsAre(1));
}

TEST(RunFilterTest, NoFilterKeepsAll) {
  const PlanFixture plan(2);
  EXPECT_THAT(SelectRuns(plan.graph(), RunFilter()), ElementsAre(0, 1));
}

TEST(RunFilterTest, UnknownKeyNamesTheNearest) {
  try {
    Select("pretrain.epoch=3");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInput);
    EXPECT_THAT(error.what(), testing::HasSubstr("did you mean 'pretrain.epochs'"));
  }
}

TEST(RunFilterTest, NoCondition) { EXPECT_THROW(RunFilter("dense"), Error); }

}  // namespace
}  // namespace cross4d::launch
