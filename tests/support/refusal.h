// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/error.h>

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace cross4d::test {

/// What the Error that `work` throws says, empty when it throws none; any other exception ends
/// the test. With `code`, the Error must have it.
template <class Work>
std::string Refusal(const Work& work, std::optional<ErrorCode> code = std::nullopt) {
  try {
    work();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code.value_or(e.code())) << e.what();
    return e.what();
  }
  return {};
}

}  // namespace cross4d::test
