// SPDX-License-Identifier: Apache-2.0
// What needs no run: help, lists, completion, and how fast they answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/program.h"

namespace cross4d::e2e {
namespace {

using testing::HasSubstr;

TEST(CliTest, HelpIsGrouped) {
  const Place place;
  const Result help = place.Run({"--help"});
  EXPECT_TRUE(help.Ok());
  for (const char* group : {"Experiments:", "Results:", "Parts:", "Health:"}) {
    EXPECT_THAT(help.out, HasSubstr(group));
  }
  for (const char* command :
       {"run", "plan", "table", "runs", "show", "sql", "plugins", "cache", "db", "doctor"}) {
    EXPECT_THAT(help.out, HasSubstr(std::string("\n  ") + command));
    EXPECT_TRUE(place.Run({command, "--help"}).Ok()) << command;
  }
}

TEST(CliTest, VersionNamesSdkAndLibtorch) {
  const Result version = Place().Run({"--version"});
  EXPECT_TRUE(version.Ok());
  EXPECT_THAT(version.out, testing::ContainsRegex("cross4d [0-9.]+ \\(sdk 1.0.*libtorch 2"));
}

TEST(CliTest, UnknownCommandAndOptionAreBadInput) {
  const Place place;
  EXPECT_EQ(place.Run({"rum"}).status.code, 2);
  EXPECT_EQ(place.Run({}).status.code, 2);
  const Result unknown = place.Run({"plan", "--sed", "1", "x.toml"});
  EXPECT_EQ(unknown.status.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("--sed"));
}

TEST(CliTest, PluginsListsUsableOnes) {
  const Place place;
  const Result text = place.Run({"plugins"});
  EXPECT_TRUE(text.Ok()) << text.err;
  for (const char* name : {"point4d", "synthetic4d", "shape-hog", "dense", "global", "faulty"}) {
    EXPECT_THAT(text.out, HasSubstr(name));
  }
  const Result json = place.Run({"plugins", "--json"});
  EXPECT_TRUE(json.Ok());
  EXPECT_GT(json.Json().at("plugins").size(), 5U);
}

TEST(CliTest, RefusedFilesAreListedAndTheExitCodeIsZero) {
  const Place place;
  place.Write("plugins/cross4d_teacher_broken.so", "no ELF file");
  const Result list = place.Run({"plugins", "--plugin-dir", (place / "plugins").string()});
  EXPECT_TRUE(list.Ok()) << list.err;
  EXPECT_THAT(list.out, testing::ContainsRegex("refused: .*cross4d_teacher_broken.so: "));
}

TEST(CliTest, PluginsShowHasEveryOption) {
  const Place place;
  const Result show = place.Run({"plugins", "show", "point4d"});
  EXPECT_TRUE(show.Ok()) << show.err;
  EXPECT_THAT(show.out, HasSubstr("preset \"quickstart\""));
  const auto json = place.Run({"plugins", "show", "student/point4d", "--json"}).Json();
  ASSERT_EQ(json.size(), 1U);
  for (const auto& option : json[0]["options"]["options"]) {
    EXPECT_THAT(show.out, HasSubstr(option.at("name").get<std::string>()));
  }
  const Result unknown = place.Run({"plugins", "show", "point4e"});
  EXPECT_EQ(unknown.status.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'point4d'"));
}

TEST(CliTest, DoctorIsHealthyAndReadableByPrograms) {
  const Place place;
  const Result doctor = place.Run({"doctor", "--json"});
  EXPECT_TRUE(doctor.Ok()) << doctor.out;
  const auto found = doctor.Json();
  EXPECT_TRUE(found.at("worker").contains("libtorch"));
  EXPECT_TRUE(found.at("fast_bf16").is_boolean());
  EXPECT_EQ(found.at("database").at("state"), "not there yet");
  EXPECT_FALSE(std::filesystem::exists(place / "results.db"));
  EXPECT_TRUE(place.Run({"doctor"}).Ok());
}

TEST(CliTest, CompletionScriptsParse) {
  const Place place;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Result script = place.Run({"completion", shell});
    EXPECT_TRUE(script.Ok());
    for (const char* word : {"plugins", "--seeds", "--fail-fast"}) {
      const std::string needle = std::string(shell) == "fish" && word[0] == '-' ? word + 2 : word;
      EXPECT_THAT(script.out, HasSubstr(needle)) << shell;
    }
  }
  const std::string file = place.Write("c.bash", place.Run({"completion", "bash"}).out);
  const std::string line =
      "source '" + file +
      "'; COMP_WORDS=(cross4d pl); COMP_CWORD=1; _cross4d; "
      "echo \"${COMPREPLY[@]}\"; COMP_WORDS=(cross4d db ''); COMP_CWORD=2; _cross4d; "
      "echo \"${COMPREPLY[@]}\"";
  base::ChildProcess::Options options;
  options.arguments = {"/bin/bash", "-c", line};
  options.stderr_file = (place / "bash.err").string();
  base::ChildProcess bash(options);
  const Result result = place.Wait(bash, "bash");
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, HasSubstr("plan plugins"));
  EXPECT_THAT(result.out, HasSubstr("check migrate backup"));
}

// The orchestrator answers at once because it does not load LibTorch.
TEST(CliTest, NoLibtorchIsLoaded) {
  base::ChildProcess::Options options;
  options.arguments = {"/bin/sh", "-c", "ldd " + Program("cross4d")};
  const Place place;
  options.stderr_file = (place / "ldd.err").string();
  base::ChildProcess ldd(options);
  const Result result = place.Wait(ldd, "ldd");
  EXPECT_THAT(result.out, HasSubstr("libc.so"));
  EXPECT_THAT(result.out, testing::Not(HasSubstr("torch")));
}

}  // namespace
}  // namespace cross4d::e2e
