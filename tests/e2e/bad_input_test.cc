// SPDX-License-Identifier: Apache-2.0
// Bad input gets a clear error, exit code 2 or 3, and loses nothing.
#include "core/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

class BadInputTest : public testing::Test {
 protected:
  // Runs the no-op experiment with one more line at its end.
  Result RunWith(const std::string& line) {
    return place_.Run({"run", place_.Write("x.toml", NoopExperiment("noop", 1, 1) + line)});
  }
  bool Untouched() const {
    return !std::filesystem::exists(place_ / "results.db") &&
           !std::filesystem::exists(place_ / "store");
  }

  Place place_;
};

TEST_F(BadInputTest, UnknownKeyHasPlaceAndNearestName) {
  const Result result = RunWith("[targets]\nimage_sise = 64\n");
  EXPECT_EQ(result.status.code, 2);
  EXPECT_THAT(result.err, ContainsRegex("x.toml:[0-9]+:[0-9]+: error: .*image_size"));
  EXPECT_TRUE(Untouched());
}

TEST_F(BadInputTest, WrongTypeOutOfRangeAndUnknownPluginAllAtOnce) {
  const Result result = RunWith("[targets]\nimage_size = \"big\"\nfov = 500\n");
  EXPECT_EQ(result.status.code, 2);
  EXPECT_THAT(result.err, HasSubstr("image_size"));
  EXPECT_THAT(result.err, HasSubstr("fov"));
  EXPECT_THAT(result.err, HasSubstr("2 errors; nothing was run"));
  const Result plugin = RunWith("[[evaluate]]\nname = \"q\"\nprotocol = \"linear-prob\"\n");
  EXPECT_EQ(plugin.status.code, 2);
  EXPECT_THAT(plugin.err, HasSubstr("linear-probe"));
  EXPECT_TRUE(Untouched());
}

TEST_F(BadInputTest, NotToml) {
  const Result result = place_.Run({"run", place_.Write("x.toml", "name = \n")});
  EXPECT_EQ(result.status.code, 2);
  EXPECT_THAT(result.err, HasSubstr("x.toml:1"));
}

TEST_F(BadInputTest, MissingFile) {
  const Result result = place_.Run({"run", (place_ / "none.toml").string()});
  EXPECT_EQ(result.status.code, 2);
  EXPECT_THAT(result.err, HasSubstr("none.toml"));
  EXPECT_EQ(place_.Run({"table"}).status.code, 2);  // no database
}

TEST_F(BadInputTest, MissingDataIsFoundBeforeTheFirstStage) {
  const std::string text =
      "name = \"x\"\n[dataset]\nplugin = \"utd-mhad\"\nroot = \"${CROSS4D_NOT_SET}/utd\"\n"
      "[student]\nplugin = \"noop\"\n[objective]\nplugin = \"none\"\n"
      "[[evaluate]]\nprotocol = \"linear-probe\"\n";
  const std::string file = place_.Write("x.toml", text);
  EXPECT_TRUE(place_.Run({"plan", file}).Ok());  // touches neither data nor weights
  const Result unset = place_.Run({"run", file});
  EXPECT_EQ(unset.status.code, 2);
  EXPECT_THAT(unset.err, HasSubstr("CROSS4D_NOT_SET is not set"));
  const Result gone = place_.Run({"run", file, "--set", "dataset.root=/nonexistent/utd"});
  EXPECT_EQ(gone.status.code, 2);
  EXPECT_THAT(gone.err, HasSubstr("'/nonexistent/utd': no such file or folder"));
  EXPECT_TRUE(Untouched());
}

// What only plugin code knows is asked before the first stage.
TEST_F(BadInputTest, SettingsThatThePluginRefuses) {
  const std::string file =
      place_.Write("x.toml", TinyExperiment("tiny", 1) + "[student.point4d]\nwidths1 = []\n");
  EXPECT_TRUE(place_.Run({"plan", file}).Ok());
  const Result deep = place_.Run({"plan", "--deep", file});
  EXPECT_EQ(deep.status.code, 2);
  EXPECT_THAT(deep.err, HasSubstr("widths1"));
  EXPECT_EQ(place_.Run({"run", file}).status.code, 2);
  EXPECT_TRUE(place_.FinishedSpools().empty());
}

// Paths are not in the keys: what lies there is compared, and old results never pass for new data.
TEST_F(BadInputTest, AnotherLocationMustHoldTheSame) {
  const std::string file = place_.Write("noop.toml", NoopExperiment("noop", 1, 1));
  const auto at = [&](const std::string& name, const std::string& content) {
    return "dataset.root=" + place_.Write(name, content);
  };
  ASSERT_TRUE(place_.Run({"run", file, "--set", at("one", "cats\n")}).Ok());
  const Result moved = place_.Run({"run", file, "--set", at("two", "cats\n")});
  EXPECT_TRUE(moved.Ok()) << moved.err;
  EXPECT_THAT(moved.err, HasSubstr("0 stages executed"));
  const std::string other = at("three", "dogs\n");
  for (const auto& command : std::vector<std::vector<std::string>>{{"run"}, {"plan", "--deep"}}) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.end(), {file, "--set", other});
    const Result refused = place_.Run(arguments);
    EXPECT_EQ(refused.status.code, 2) << refused.out;
    EXPECT_THAT(refused.err, HasSubstr("three"));
    EXPECT_THAT(refused.err, HasSubstr("used before with the same options, has cats"));
  }
}

TEST_F(BadInputTest, AFinishedGridNeedsNoVariable) {
  const std::string file = place_.Write(
      "noop.toml",
      NoopExperiment("noop", 1, 1) + "[dataset.noop]\nroot = \"${CROSS4D_E2E_ROOT}\"\n");
  setenv("CROSS4D_E2E_ROOT", place_.Write("one", "cats\n").c_str(), 1);
  ASSERT_TRUE(place_.Run({"run", file}).Ok());
  unsetenv("CROSS4D_E2E_ROOT");
  const Result again = place_.Run({"run", file});
  EXPECT_TRUE(again.Ok()) << again.err;
  EXPECT_THAT(again.err, HasSubstr("0 stages executed"));
  EXPECT_THAT(again.out, HasSubstr("probe.accuracy"));
}

TEST_F(BadInputTest, TwoFilesMustNotReadOneDataSetAtTwoPlaces) {
  const auto experiment = [&](const std::string& name) {
    return place_.Write(name + ".toml",
                        NoopExperiment(name, 1, 1) + "[dataset.noop]\nroot = \"" +
                            place_.Write(name, "cats\n") + "\"\n");
  };
  const std::string first = experiment("one"), second = experiment("two");
  for (const std::string command : {"run", "plan"}) {
    const Result refused = place_.Run({command, first, second});
    EXPECT_EQ(refused.status.code, 2) << refused.out;
    EXPECT_THAT(refused.err, HasSubstr("could not be told apart"));
  }
  EXPECT_TRUE(place_.FinishedSpools().empty());
}

TEST_F(BadInputTest, AFileOfAnotherProgramIsNotTouched) {
  const std::string text =
      "this is not a database, and it is longer than a hundred bytes: "
      "0123456789012345678901234567890123456789012345678901234567890123456789";
  const std::string db = place_.Write("results.db", text);
  const Result result = RunWith("");
  EXPECT_EQ(result.status.code, 2) << result.err;
  EXPECT_THAT(result.err, HasSubstr("results.db"));
  EXPECT_EQ(base::ReadFile(db), text);
}

TEST_F(BadInputTest, ANewerDatabaseIsRefused) {
  ASSERT_TRUE(RunWith("").Ok());
  // user_version is the big-endian number at offset 60 of the file.
  std::string bytes = base::ReadFile(place_ / "results.db");
  bytes[60] = 0x7f;
  place_.Write("results.db", bytes);
  const Result result = RunWith("");
  EXPECT_EQ(result.status.code, 2);
  EXPECT_THAT(result.err, HasSubstr("newer"));
  EXPECT_EQ(base::ReadFile(place_ / "results.db"), bytes);
}

TEST_F(BadInputTest, AFolderThatCannotBeWritten) {
  std::filesystem::create_directory(place_ / "locked");
  chmod((place_ / "locked").c_str(), 0555);
  std::string folder = (place_ / "locked").string();
  if (access(folder.c_str(), W_OK) == 0) folder = "/proc/self";  // root may write anywhere else
  const std::string file = place_.Write("x.toml", NoopExperiment("noop", 1, 1));
  const Result db = place_.Run({"run", file, "--db", folder + "/results.db"});
  EXPECT_EQ(db.status.code, 3) << db.err;
  EXPECT_THAT(db.err, HasSubstr(folder));
  const Result store = place_.Run({"run", file, "--store", folder + "/store"});
  EXPECT_EQ(store.status.code, 3) << store.err;
  EXPECT_THAT(store.err, HasSubstr(folder));
}

}  // namespace
}  // namespace cross4d::e2e
