// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/error.h>
#include <cross4d/sdk/option.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace cross4d {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Options {
  std::int64_t dim = 256;
  std::int64_t heads = 4;
  double lr = 0.001;
  std::string mode = "plain";
  std::vector<double> scales = {1.0, 2.0};
  bool fast = false;
  int threads = 1;
};

OptionTable<Options> Describe() {
  OptionTable<Options> t;
  t.Add("dim", &Options::dim, "Width.").Range(8, 2048);
  t.Add("heads", &Options::heads, "Heads.").Range(1, 64);
  t.Add("lr", &Options::lr, "Rate.").Range(0, 20).Unit("m");
  t.Add("mode", &Options::mode, "Features.").Choices({"plain", "motion"});
  t.Add("scales", &Options::scales, "Scales.").AtLeast(0);
  t.Add("fast", &Options::fast, "Fast.").RenamedFrom("quick");
  t.Add("threads", &Options::threads, "Threads.").Runtime();
  t.Divides("heads", "dim").LessEqual("threads", "heads");
  t.Preset("small", "Small.", [](Options& o) { o.dim = 64, o.heads = 2; });
  return t;
}

OptionValue I(std::int64_t v) { return v; }

std::string Message(const OptionSchema& schema, const OptionValues& given) {
  try {
    ResolveOptions(schema, given);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInput);
    return e.message();
  }
  return "accepted";
}

TEST(OptionTable, DefaultsComeFromTheStruct) {
  const auto table = Describe();
  EXPECT_THAT(CheckSchema(table.schema()), IsEmpty());
  const Options o = table.Read({});
  EXPECT_EQ(o.dim, 256);
  EXPECT_EQ(o.scales, (std::vector<double>{1, 2}));
  EXPECT_EQ(table.schema().options[6].type, OptionType::kInt)
      << "int members are stored as 64 bits";
}

TEST(OptionTable, PresetThenSingleKeys) {
  const auto table = Describe();
  Options o = table.Read({{"preset", OptionValue("small")}});
  EXPECT_EQ(o.dim, 64);
  EXPECT_EQ(o.heads, 2);
  o = table.Read({{"dim", I(128)}, {"preset", OptionValue("small")}});
  EXPECT_EQ(o.dim, 128);
  EXPECT_EQ(o.heads, 2);
  EXPECT_FALSE(
      ResolveOptions(table.schema(), {{"preset", OptionValue("small")}}).contains("preset"));
}

TEST(ResolveOptions, OldNamesAreRead) {
  EXPECT_TRUE(Describe().Read({{"quick", OptionValue(true)}}).fast);
  EXPECT_THAT(
      Message(Describe().schema(), {{"quick", OptionValue(true)}, {"fast", OptionValue(true)}}),
      HasSubstr("old name"));
}

TEST(ResolveOptions, SaysWhatIsWrong) {
  const OptionSchema schema = Describe().schema();
  EXPECT_EQ(Message(schema, {{"lr", OptionValue(50.0)}}), "option lr is 50.0, expected 0 to 20 m");
  EXPECT_EQ(Message(schema, {{"dim", OptionValue(2.5)}}),
            "option dim is 2.5 (double), expected int");
  EXPECT_EQ(Message(schema, {{"mode", OptionValue("x")}}),
            "option mode is \"x\", expected \"plain\" or \"motion\"");
  EXPECT_EQ(Message(schema, {{"scales", OptionValue(std::vector<double>{1, -2})}}),
            "option scales element 1 is -2.0, expected at least 0");
  EXPECT_EQ(Message(schema, {{"lr", OptionValue(std::numeric_limits<double>::quiet_NaN())}}),
            "option lr is nan, expected 0 to 20 m");
  EXPECT_THAT(Message(schema, {{"bins", I(3)}}),
              HasSubstr("unknown option bins; known are: dim, heads"));
  EXPECT_EQ(Message(schema, {{"preset", OptionValue("huge")}}),
            "option preset is \"huge\", expected one of \"small\"");
}

TEST(ResolveOptions, RulesAreChecked) {
  const OptionSchema schema = Describe().schema();
  EXPECT_EQ(Message(schema, {{"heads", I(3)}}), "option heads = 3 must divide dim = 256");
  EXPECT_EQ(Message(schema, {{"threads", I(5)}}), "option threads = 5 must not exceed heads = 4");
  OptionValues both = ResolveOptions(schema, {});
  both["heads"] = I(3);
  both["threads"] = I(9);
  EXPECT_THAT(BrokenRules(schema, both), ElementsAre(HasSubstr("divide"), HasSubstr("exceed")));
}

TEST(ResolveOptions, RequiredMustBeGiven) {
  struct Rooted {
    std::string root;
  };
  OptionTable<Rooted> t;
  t.Add("root", &Rooted::root, "Folder of the data.").Location().Required();
  EXPECT_THAT(CheckSchema(t.schema()), IsEmpty());
  EXPECT_EQ(Message(t.schema(), {}),
            "option root is required and was not given: Folder of the data.");
  EXPECT_EQ(Message(t.schema(), {{"root", OptionValue("/x")}}), "accepted");
}

TEST(CoerceOption, WholeNumbersAndSingles) {
  EXPECT_EQ(CoerceOption(OptionType::kDouble, I(3)), OptionValue(3.0));
  EXPECT_EQ(CoerceOption(OptionType::kDoubleList, I(3)), OptionValue(std::vector<double>{3}));
  EXPECT_EQ(CoerceOption(OptionType::kDoubleList, OptionValue(std::vector<std::int64_t>{1, 2})),
            OptionValue(std::vector<double>{1, 2}));
  EXPECT_EQ(CoerceOption(OptionType::kStringList, OptionValue("a")),
            OptionValue(std::vector<std::string>{"a"}));
  EXPECT_EQ(CoerceOption(OptionType::kStringList, OptionValue(std::vector<double>{})),
            OptionValue(std::vector<std::string>{}));
  EXPECT_EQ(CoerceOption(OptionType::kInt, OptionValue(3.0)), OptionValue(3.0));
  EXPECT_EQ(CoerceOption(OptionType::kInt, OptionValue("3")), OptionValue("3"));
}

TEST(FormatOption, AsInToml) {
  EXPECT_EQ(FormatOption(OptionValue(true)), "true");
  EXPECT_EQ(FormatOption(I(3)), "3");
  EXPECT_EQ(FormatOption(OptionValue(0.5)), "0.5");
  EXPECT_EQ(FormatOption(OptionValue(1.0)), "1.0");
  EXPECT_EQ(FormatOption(OptionValue(1e-6)), "1e-06");
  EXPECT_EQ(FormatOption(OptionValue("a\"b\n\x01")), "\"a\\\"b\\n\\u0001\"");
  EXPECT_EQ(FormatOption(OptionValue(std::vector<std::int64_t>{1, 2})), "[1, 2]");
  EXPECT_EQ(FormatOption(OptionValue(std::vector<std::string>{"a"})), "[\"a\"]");
}

TEST(OptionTable, WholeNumbersMayHaveChoices) {
  struct Cameras {
    std::int64_t cameras = 1;
  };
  OptionTable<Cameras> t;
  t.Add("cameras", &Cameras::cameras, "Views.").Choices({"1", "2", "4"});
  EXPECT_THAT(CheckSchema(t.schema()), IsEmpty());
  EXPECT_EQ(Message(t.schema(), {{"cameras", I(4)}}), "accepted");
  EXPECT_THAT(Message(t.schema(), {{"cameras", I(3)}}), HasSubstr("is 3, expected 1, 2 or 4"));
}

TEST(CheckSchema, FindsEveryMistake) {
  struct Bad {
    std::int64_t a = 100;
    std::string b = "x";
    std::string c = "y";
  };
  OptionTable<Bad> t;
  t.Add("Camel", &Bad::a, "Doc.").Range(0, 10);
  t.Add("b", &Bad::b, "").Choices({"p", "q"});
  t.Add("b", &Bad::c, "Again.").Runtime().Tokenizer();
  t.Divides("nobody", "b");
  t.Preset("p", "", [](Bad& o) { o.a = 50; });
  const std::vector<std::string> problems = CheckSchema(t.schema());
  EXPECT_THAT(problems,
              ::testing::IsSupersetOf<::testing::Matcher<std::string>>(
                  {HasSubstr("Camel is not snake_case"),
                   HasSubstr("Camel has a bad default: it is 100"),
                   HasSubstr("b has no doc"),
                   HasSubstr("b has a bad default"),
                   HasSubstr("b is declared twice"),
                   HasSubstr("b decides Tokenize"),
                   HasSubstr("rule names the unknown option nobody"),
                   HasSubstr("option b, which is no int"),
                   HasSubstr("preset p has no doc"),
                   HasSubstr("preset p: option Camel is 50")}));
}

TEST(CheckSchema, DefaultsMustKeepTheRules) {
  struct Two {
    std::int64_t a = 3, b = 8;
  };
  OptionTable<Two> t;
  t.Add("a", &Two::a, "A.");
  t.Add("b", &Two::b, "B.").RenamedFrom("a");
  t.Divides("a", "b");
  EXPECT_THAT(
      CheckSchema(t.schema()),
      ElementsAre(HasSubstr("old name a is in use"), "defaults: option a = 3 must divide b = 8"));
}

}  // namespace
}  // namespace cross4d
