// SPDX-License-Identifier: Apache-2.0
#include "core/base/process.h"

#include "core/base/file.h"

#include <cross4d/sdk/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "tests/support/temp_folder.h"

namespace cross4d::base {
namespace {

using ::testing::HasSubstr;

ChildProcess::Options Shell(const std::string& script) {
  ChildProcess::Options options;
  options.arguments = {"/bin/sh", "-c", script};
  return options;
}

std::string ReadAll(int fd) {
  std::string text;
  char buffer[256];
  for (ssize_t n; (n = ::read(fd, buffer, sizeof(buffer))) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  return text;
}

TEST(ChildProcess, PipesAndExitCode) {
  ChildProcess child(Shell("read line; echo \"got $line\"; exit 3"));
  EXPECT_TRUE(child.Write("hello\n"));
  EXPECT_EQ(ReadAll(child.stdout_fd()), "got hello\n");
  const ExitStatus status = child.Wait();
  EXPECT_EQ(status.code, 3);
  EXPECT_EQ(status.signal, 0);
  EXPECT_EQ(status.Describe(), "exit code 3");
  EXPECT_EQ(child.Poll()->code, 3);
}

TEST(ChildProcess, EnvironmentIsAddedAndReplaced) {
  ::setenv("CROSS4D_TEST_VALUE", "old", 1);
  auto options = Shell("echo $CROSS4D_TEST_VALUE; echo ${HOME:+home}");
  options.extra_environment = {"CROSS4D_TEST_VALUE=new"};
  ChildProcess child(options);
  EXPECT_THAT(ReadAll(child.stdout_fd()), ::testing::StartsWith("new\n"));
}

TEST(ChildProcess, ErrorOutputGoesToTheFile) {
  const test::TempFolder folder;
  auto options = Shell("echo problem >&2");
  options.stderr_file = (folder / "log").string();
  ChildProcess child(options);
  child.Wait();
  EXPECT_EQ(ReadFile(folder / "log"), "problem\n");
}

TEST(ChildProcess, SignalIsNamed) {
  ChildProcess child(Shell("kill -SEGV $$"));
  const ExitStatus status = child.Wait();
  EXPECT_EQ(status.signal, SIGSEGV);
  EXPECT_EQ(status.Describe(), "signal 11 (SIGSEGV)");
}

TEST(ChildProcess, WritingToOneThatIsGoneReturnsFalse) {
  ChildProcess child(Shell("exec 0<&-; echo closed; sleep 5"));
  char buffer[8];
  ASSERT_GT(::read(child.stdout_fd(), buffer, sizeof(buffer)), 0);
  EXPECT_FALSE(child.Write("text\n"));  // and SIGPIPE did not end this test
}

TEST(ChildProcess, MissingProgramThrowsAtOnce) {
  ChildProcess::Options options;
  options.arguments = {"/no/such/program"};
  try {
    ChildProcess child(options);
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("/no/such/program"));
    EXPECT_EQ(e.code(), ErrorCode::kEnvironment);
  }
}

TEST(ChildProcess, DestructorEndsTheChild) {
  pid_t pid;
  {
    ChildProcess child(Shell("exec sleep 100"));
    pid = child.pid();
    EXPECT_FALSE(child.Poll().has_value());
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(ChildProcess, DiesWithItsParent) {
  // This test starts itself as the parent: it starts a sleeper, prints its number and is killed.
  ChildProcess::Options options;
  options.arguments = {ExecutablePath().string(),
                       "--gtest_also_run_disabled_tests",
                       "--gtest_filter=ChildProcess.DISABLED_ParentOfASleeper"};
  ChildProcess parent(options);
  std::string text;
  char c;
  while (::read(parent.stdout_fd(), &c, 1) == 1) {
    text += c;
    if (c == '\n' && text.find("sleeper ") != std::string::npos) break;
  }
  ASSERT_THAT(text, HasSubstr("sleeper "));
  const auto identity = ProcessIdentity::Parse(
      text.substr(text.find("sleeper ") + 8, text.rfind('\n') - text.find("sleeper ") - 8));
  ASSERT_TRUE(identity.has_value()) << text;
  EXPECT_EQ(CheckLiveness(*identity), Liveness::kAlive);
  parent.Signal(SIGKILL);
  parent.Wait();
  Liveness state = Liveness::kAlive;
  for (int i = 0; i < 500 && state == Liveness::kAlive; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    state = CheckLiveness(*identity);
  }
  EXPECT_EQ(state, Liveness::kDead);
}

TEST(ChildProcess, DISABLED_ParentOfASleeper) {
  ChildProcess child(Shell("exec sleep 100"));
  const std::string stat = ReadFile("/proc/" + std::to_string(child.pid()) + "/stat");
  ProcessIdentity identity = ProcessIdentity::Self();
  identity.pid = child.pid();
  std::size_t at = stat.rfind(')') + 2;  // the start time is the 20th field after the name
  for (int i = 0; i < 19; ++i) at = stat.find(' ', at) + 1;
  identity.start_ticks = std::stoll(stat.substr(at));
  const std::string line = "sleeper " + identity.Format() + "\n";
  ASSERT_GT(::write(STDOUT_FILENO, line.data(), line.size()), 0);
  std::this_thread::sleep_for(std::chrono::seconds(60));
}

TEST(ProcessIdentity, RoundTripAndLiveness) {
  const ProcessIdentity self = ProcessIdentity::Self();
  const auto parsed = ProcessIdentity::Parse(self.Format());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->Format(), self.Format());
  EXPECT_EQ(parsed->pid, ::getpid());
  EXPECT_GT(parsed->start_ticks, 0);
  EXPECT_EQ(CheckLiveness(self), Liveness::kAlive);

  ProcessIdentity reused = self;
  reused.start_ticks -= 1;
  EXPECT_EQ(CheckLiveness(reused), Liveness::kDead);
  ProcessIdentity rebooted = self;
  rebooted.boot_id = "another";
  EXPECT_EQ(CheckLiveness(rebooted), Liveness::kDead);
  ProcessIdentity elsewhere = self;
  elsewhere.host = "another-host";
  EXPECT_EQ(CheckLiveness(elsewhere), Liveness::kUnknown);
}

TEST(ProcessIdentity, DamagedTextIsRefused) {
  for (const char* text :
       {"", "host", "host/boot/x/1", "host/boot/1", "host/boot/-4/1", "host/boot/1/2x"}) {
    EXPECT_FALSE(ProcessIdentity::Parse(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace cross4d::base
