// SPDX-License-Identifier: Apache-2.0
#include "core/base/diagnostics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cross4d::base {
namespace {

TEST(Diagnostics, RendersSortedByLineWithCaret) {
  Diagnostics d;
  d.AddError({"b.toml", 3, 5}, "second", "a = 1");
  d.AddWarning({"a.toml", 9, 1}, "first");
  EXPECT_EQ(d.Render(),
            "a.toml:9:1: warning: first\n"
            "b.toml:3:5: error: second\n"
            "  a = 1\n"
            "      ^\n");
}

TEST(Diagnostics, CaretCountsCharactersAndKeepsTabs) {
  Diagnostics d;
  d.AddError({"f", 1, 5}, "here", "\tä = x");  // bytes: tab, 2 of ä, blank, then '='
  EXPECT_EQ(d.Render(), "f:1:5: error: here\n  \tä = x\n  \t  ^\n");
}

TEST(Diagnostics, EqualOnesAppearOnce) {
  Diagnostics d;
  d.AddError({"f", 1, 1}, "same");
  d.AddError({"f", 1, 1}, "same");
  d.AddError({"f", 1, 1}, "other");
  EXPECT_EQ(d.Sorted().size(), 2u);
}

TEST(Diagnostics, WarningsAreNoErrors) {
  Diagnostics d;
  EXPECT_TRUE(d.empty());
  d.AddWarning({}, "careful");
  EXPECT_FALSE(d.HasErrors());
  EXPECT_FALSE(d.empty());
  EXPECT_EQ(d.Render(), "warning: careful\n");
  d.AddError({}, "wrong");
  EXPECT_TRUE(d.HasErrors());
}

TEST(Nearest, FindsTypingErrorsOnly) {
  const std::vector<std::string> known = {"epochs", "batch", "lr", "warmup", "weight_decay"};
  EXPECT_EQ(Nearest("epohcs", known), "epochs");
  EXPECT_EQ(Nearest("weightdecay", known), "weight_decay");
  EXPECT_EQ(Nearest("granularity", known), "");
  EXPECT_EQ(Nearest("x", known), "");
  EXPECT_EQ(Nearest("anything", {}), "");
}

}  // namespace
}  // namespace cross4d::base
