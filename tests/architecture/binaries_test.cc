// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.h"
#include "core/base/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace cross4d {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// What the loader would map for one of the programs beside this test.
std::string Libraries(const std::string& program) {
  base::ChildProcess::Options options;
  options.arguments = {"/usr/bin/ldd", (base::ExecutablePath().parent_path() / program).string()};
  base::ChildProcess child(options);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(child.stdout_fd(), buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  EXPECT_EQ(child.Wait().code, 0) << program << ": " << text;
  EXPECT_THAT(text, Not(HasSubstr("not found"))) << program;
  return text;
}

TEST(Binaries, TheOrchestratorHasNoLibTorch) {
  const std::string libraries = Libraries("cross4d");
  EXPECT_THAT(libraries, HasSubstr("libcross4d_sdk.so.1"));
  EXPECT_THAT(libraries, HasSubstr("libsqlite3"));
  for (const char* name : {"libtorch", "libc10", "libcuda", "libboost"}) {
    EXPECT_THAT(libraries, Not(HasSubstr(name)));
  }
}

TEST(Binaries, TheWorkerHasNoDatabaseAndNoCuda) {
  const std::string libraries = Libraries("cross4d-worker");
  EXPECT_THAT(libraries, HasSubstr("libtorch_cpu"));
  for (const char* name :
       {"libsqlite3", "libtorch_cuda", "libc10_cuda", "libcross4d_geometry_cuda"}) {
    EXPECT_THAT(libraries, Not(HasSubstr(name)));
  }
}

}  // namespace
}  // namespace cross4d
