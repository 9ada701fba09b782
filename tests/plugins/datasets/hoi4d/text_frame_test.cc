// SPDX-License-Identifier: Apache-2.0
#include "text_frame.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdio>

#include "names.h"
#include "tests/support/refusal.h"

namespace cross4d::hoi4d {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(TextFrame, ReadsPointsAndLabels) {
  std::vector<float> xyz;
  std::vector<std::int64_t> labels;
  ParseTextFrame("-4.5e-02 1 2.701 2.000000000000000000e+00 1.0\r\n\n  1\t2 3 47  \n-1 -2 -3 -1 0",
                 "0.txt",
                 &xyz,
                 &labels);
  EXPECT_THAT(xyz, ElementsAre(-0.045f, 1.f, 2.701f, 1.f, 2.f, 3.f, -1.f, -2.f, -3.f));
  EXPECT_THAT(labels, ElementsAre(2, 47, -1));
}

TEST(TextFrame, RefusesOtherLines) {
  for (const char* line : {"1 2 3",
                           "1 2 3 4 5 6",
                           "1 2 3 4.5",
                           "1 2 3 x",
                           "1 2 3x 4",
                           "1,2,3,4",
                           "nan 2 3 4",
                           "1 inf 3 4",
                           "1e999 2 3 4",
                           "1 2 3 1e300"}) {
    const std::string error = test::Refusal([&] {
      std::vector<float> xyz;
      std::vector<std::int64_t> labels;
      ParseTextFrame(std::string("1 2 3 4 5\n") + line + "\n", "0.txt", &xyz, &labels);
    });
    EXPECT_THAT(error, AllOf(HasSubstr("0.txt: line 2: '"), HasSubstr(line), HasSubstr("expected")))
        << line;
  }
}

RC_GTEST_PROP(TextFrame, ReadsWhatNumpyWrites, (const std::vector<std::int16_t>& numbers)) {
  std::string text;
  std::vector<float> expected, xyz;
  std::vector<std::int64_t> expected_labels, labels;
  for (const std::int16_t number : numbers) {
    const double value = number / 7.0;
    char line[200];
    std::snprintf(line,
                  sizeof line,
                  "%.18e %.18e %.18e %.18e %.18e\n",
                  value,
                  -value,
                  value * 1e-9,
                  static_cast<double>(std::abs(number % 49)),
                  1.0);
    text += line;
    expected.insert(
        expected.end(),
        {static_cast<float>(value), static_cast<float>(-value), static_cast<float>(value * 1e-9)});
    expected_labels.push_back(std::abs(number % 49));
  }
  ParseTextFrame(text, "0.txt", &xyz, &labels);
  RC_ASSERT(xyz == expected);
  RC_ASSERT(labels == expected_labels);
}

TEST(Hoi4dNames, AreTheTables) {
  const auto names = SemanticNames();
  ASSERT_THAT(names, SizeIs(49));
  EXPECT_EQ(names[2], "chair");
  EXPECT_EQ(names[6], "unused 6");
  EXPECT_EQ(names[47], "hand");
  EXPECT_EQ(names[48], "scissors");
  int named = 0;
  for (const std::string& name : names) named += name.starts_with("unused") ? 0 : 1;
  EXPECT_EQ(named, 44);  // 43 of the table and the hand
  EXPECT_THAT(ActionNames(), SizeIs(19));
  EXPECT_THAT(CategoryNames(), SizeIs(16));
}

TEST(Hoi4dNames, PathsSayWhatIsInTheHand) {
  const PathFacts facts = ParsePath("ZY20210800004/H4/C8/N14/S71/s03/T2");
  EXPECT_EQ(facts.subject, 4);
  EXPECT_EQ(CategoryNames()[static_cast<std::size_t>(facts.category)], "bucket");
  EXPECT_EQ(facts.object, "C8/N14");
  EXPECT_EQ(ParsePath("ZY20210800001/H1/C20/N01/S71/s03/T2").object, "C20/N1");
  const PathFacts none = ParsePath("my/own/sequence");
  EXPECT_EQ(none.subject, -1);
  EXPECT_EQ(none.category, -1);
  EXPECT_EQ(none.object, "my/own/sequence");
  EXPECT_EQ(ParsePath("C10/N1").category, -1);  // no such category
}

}  // namespace
}  // namespace cross4d::hoi4d
