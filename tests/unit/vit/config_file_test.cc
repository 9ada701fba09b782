// SPDX-License-Identifier: Apache-2.0
#include "core/vit/config_file.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace cross4d::vit {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string Refusal(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

const ConfigFile kConfig = ConfigFile::Parse(
    R"({"n": 4, "whole": 4.0, "half": 4.5, "zero": 0, "huge": 1e30, "text": "x", "flag": true,
        "no": false, "nothing": null, "pair": [2, 3], "three": [1, 2, 3], "inner": {"k": 7}})",
    "config.json");

TEST(ConfigFile, ReadsValuesAndFallbacks) {
  EXPECT_EQ(kConfig.Size("n"), 4);
  EXPECT_EQ(kConfig.Size("whole"), 4);
  EXPECT_EQ(kConfig.Size("nothing", 9), 9);
  EXPECT_EQ(kConfig.Count("zero"), 0);
  EXPECT_EQ(kConfig.Real("half"), 4.5);
  EXPECT_TRUE(kConfig.Flag("flag", false));
  EXPECT_EQ(kConfig.Text("absent", "y"), "y");
  EXPECT_EQ(kConfig.SizePair("pair", 1), (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(kConfig.SizePair("n", 1), (std::vector<std::int64_t>{4, 4}));
  EXPECT_EQ(kConfig.Reals("three", 3), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(kConfig.Section("inner").Size("k"), 7);
  EXPECT_TRUE(kConfig.Set("n"));
  EXPECT_FALSE(kConfig.Set("no"));
  EXPECT_FALSE(kConfig.Set("nothing"));
}

TEST(ConfigFile, RefusesByKeyAndFile) {
  const std::pair<std::string, std::function<void()>> cases[] = {
      {"absent", [] { kConfig.Size("absent"); }},
      {"half", [] { kConfig.Size("half"); }},
      {"zero", [] { kConfig.Size("zero"); }},
      {"huge", [] { kConfig.Size("huge"); }},
      {"text", [] { kConfig.Real("text"); }},
      {"n", [] { kConfig.Flag("n", true); }},
      {"n", [] { kConfig.Section("n"); }},
      {"three", [] { kConfig.SizePair("three", 1); }},
      {"pair", [] { kConfig.Reals("pair", 3); }}};
  for (const auto& [key, read] : cases) {
    EXPECT_THAT(Refusal(read), AllOf(HasSubstr("config.json"), HasSubstr(key)));
  }
  for (const char* text : {"", "[1]", "{\"a\": 1", "7", "{} x"}) {
    EXPECT_THAT(Refusal([&] { ConfigFile::Parse(text, "f"); }), HasSubstr("JSON")) << text;
  }
  EXPECT_THAT(Refusal([] { ConfigFile::Read("no/such/config.json"); }), HasSubstr("no/such"));
}

}  // namespace
}  // namespace cross4d::vit
