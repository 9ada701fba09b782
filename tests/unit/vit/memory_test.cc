// SPDX-License-Identifier: Apache-2.0
#include "core/vit/memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace cross4d::vit {
namespace {

namespace fs = std::filesystem;

class FakeKernel : public testing::Test {
 protected:
  void SetUp() override { Write("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    4000 kB\n"); }
  void TearDown() override { fs::remove_all(root_); }
  void Write(const fs::path& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  fs::path root_ =
      fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(FakeKernel, AvailableMemoryWithoutGroups) { EXPECT_EQ(FreeMemory(root_), 4000u * 1024); }

TEST_F(FakeKernel, TheTightestGroupCountsWithoutItsFileCache) {
  Write("proc/self/cgroup", "0::/job/step\n");
  const fs::path top = "sys/fs/cgroup";
  Write(top / "job/memory.max", "1000000\n");
  Write(top / "job/memory.current", "700000\n");
  Write(top / "job/memory.stat", "anon 500000\ninactive_file 200000\n");
  Write(top / "job/step/memory.max", "max\n");
  Write(top / "job/step/memory.current", "700000\n");
  EXPECT_EQ(FreeMemory(root_), 500000u);
  Write(top / "job/step/memory.max", "600000\n");
  EXPECT_EQ(FreeMemory(root_), 0u);
}

TEST(FreeMemory, IsSomethingOnThisMachine) { EXPECT_GT(FreeMemory(), 1u << 20); }

}  // namespace
}  // namespace cross4d::vit
