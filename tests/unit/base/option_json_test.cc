// SPDX-License-Identifier: Apache-2.0
#include "core/base/option_json.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>

namespace cross4d::base {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

struct Options {
  bool flag = true;
  std::int64_t bins = 8;
  double lr = 0.5;
  std::string mode = "plain";
  std::vector<std::int64_t> widths = {1, 2};
  std::vector<double> scales = {0.5};
  std::vector<std::string> names = {"a"};
  std::string root;
  std::int64_t threads = 1;
};

OptionTable<Options> Table() {
  OptionTable<Options> t;
  t.Add("flag", &Options::flag, "A flag.");
  t.Add("bins", &Options::bins, "Bins.").Range(2, 64).Tokenizer();
  t.Add("lr", &Options::lr, "Rate.").AtLeast(0).Unit("m").RenamedFrom("rate");
  t.Add("mode", &Options::mode, "Mode.").Choices({"plain", "motion"}).Deprecated("use flag");
  t.Add("widths", &Options::widths, "Widths.");
  t.Add("scales", &Options::scales, "Scales.");
  t.Add("names", &Options::names, "Names.");
  t.Add("root", &Options::root, "Folder.").Location().Required();
  t.Add("threads", &Options::threads, "Threads.").Runtime();
  t.Preset("big", "Larger.", [](Options& o) { o.bins = 32; });
  t.LessEqual("threads", "bins").Divides("threads", "bins");
  return t;
}

TEST(OptionJson, SchemaRoundTripKeepsEverything) {
  const OptionSchema schema = Table().schema();
  const json first = ToJson(schema);
  const OptionSchema back = SchemaFromJson(json::parse(first.dump()));
  EXPECT_EQ(ToJson(back), first);
  ASSERT_EQ(back.options.size(), schema.options.size());
  EXPECT_EQ(back.options[2].renamed_from, "rate");
  EXPECT_EQ(back.options[2].default_value, OptionValue(0.5));
  EXPECT_EQ(back.options[7].role, OptionRole::kLocation);
  EXPECT_TRUE(back.options[7].required);
  EXPECT_TRUE(back.options[1].tokenizer);
  EXPECT_EQ(back.rules.size(), 2u);
  EXPECT_EQ(back.presets[0].values.at("bins"), OptionValue(std::int64_t{32}));
}

TEST(OptionJson, ValuesGetTheSchemasTypes) {
  const OptionValues values = ValuesFromJson(
      json::parse(R"({"rate": 3, "scales": [1, 2], "names": []})"), Table().schema());
  EXPECT_EQ(values.at("lr"), OptionValue(3.0));
  EXPECT_EQ(values.at("scales"), OptionValue(std::vector<double>{1, 2}));
  EXPECT_EQ(values.at("names"), OptionValue(std::vector<std::string>{}));
}

TEST(OptionJson, WrongValuesAreNamed) {
  const auto message = [](const char* text) {
    try {
      ValuesFromJson(json::parse(text), Table().schema());
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(message(R"({"bins": 1.5})"), HasSubstr("option bins is 1.5 (double), expected int"));
  EXPECT_THAT(message(R"({"bins": 99})"), HasSubstr("option bins is 99, expected 2 to 64"));
  EXPECT_THAT(message(R"({"nobody": 1})"), HasSubstr("unknown option nobody"));
  EXPECT_THAT(message(R"({"widths": [1, "x"]})"), HasSubstr("numbers only or strings only"));
  EXPECT_THAT(message(R"({"mode": {}})"), HasSubstr("plain value"));
  EXPECT_THAT(message("[]"), HasSubstr("expected a JSON object"));
}

TEST(OptionJson, DamagedSchemaIsAnError) {
  EXPECT_THROW(SchemaFromJson(json::parse("{}")), Error);
  EXPECT_THROW(
      SchemaFromJson(json::parse(R"({"options":[{"name":"a","type":"complex","default":1}]})")),
      Error);
  EXPECT_THROW(
      SchemaFromJson(json::parse(R"({"options":[{"name":"a","type":"int","default":"x"}]})")),
      Error);
  EXPECT_THROW(SchemaFromJson(json::parse(R"({"options":[{"name":3}]})")), Error);
}

TEST(CanonicalKeyText, HasKeyOptionsOnlySortedAndExact) {
  const OptionValues resolved =
      ResolveOptions(Table().schema(), {{"root", OptionValue("/data")}, {"lr", OptionValue(0.1)}});
  EXPECT_EQ(
      CanonicalKeyText(Table().schema(), resolved),
      R"({"bins":8,"flag":true,"lr":0.1,"mode":"plain","names":["a"],"scales":[0.5],"widths":[1,2]})");
}

TEST(CanonicalKeyText, NumbersRoundTrip) {
  EXPECT_TRUE(rc::check([](double value) {
    RC_PRE(value >= 0 && std::isfinite(value));
    const OptionSchema schema = Table().schema();
    const OptionValues given = {{"root", OptionValue("/data")}, {"lr", OptionValue(value)}};
    const json back = json::parse(CanonicalKeyText(schema, ResolveOptions(schema, given)));
    RC_ASSERT(back.at("lr").get<double>() == value);
  }));
}

}  // namespace
}  // namespace cross4d::base
