// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/error.h>

#include <gtest/gtest.h>

namespace cross4d {
namespace {

TEST(Error, ContextGrowsOutwards) {
  const Error inner(ErrorCode::kInput, "file.bin: byte 12: found 3, expected 4");
  const Error outer = inner.Within("stage features").Within("run 3f2a");
  EXPECT_STREQ(outer.what(), "run 3f2a › stage features › file.bin: byte 12: found 3, expected 4");
  EXPECT_EQ(outer.message(), "file.bin: byte 12: found 3, expected 4");
  EXPECT_EQ(outer.context(), (std::vector<std::string>{"run 3f2a", "stage features"}));
  EXPECT_EQ(outer.code(), ErrorCode::kInput);
  EXPECT_STREQ(inner.what(), "file.bin: byte 12: found 3, expected 4");
}

TEST(Error, FailInputThrowsAnInputError) {
  try {
    FailInput("wrong");
  } catch (const std::exception& e) {
    const auto* error = dynamic_cast<const Error*>(&e);
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(error->code(), ErrorCode::kInput);
    return;
  }
  FAIL();
}

}  // namespace
}  // namespace cross4d
