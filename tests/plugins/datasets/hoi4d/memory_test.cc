// SPDX-License-Identifier: Apache-2.0
// Reading a clip of a file of real size costs what the clip costs.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "hdf5_writer.h"
#include "hoi4d.h"
#include "tests/support/temp_folder.h"

namespace cross4d::test {
namespace {

double AnonymousMb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stod(line.substr(8)) / 1024;
  }
  return -1;
}

TEST(Hoi4dMemory, AClipOfA22GigabyteFile) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer's own memory would be counted";
#endif
  const TempFolder folder;
  const auto path = folder / "train1.h5";
  WriteSparseHdf5(path, 749);
  EXPECT_GT(std::filesystem::file_size(path), 22'000'000'000u);
  hoi4d::Options options;
  options.root = folder.path().string();
  const hoi4d::Hoi4d data(options, {});
  ASSERT_EQ(data.clips().size(), 750u);

  std::atomic<bool> done = false;
  double peak = 0;
  std::thread watcher([&] {
    while (!done) peak = std::max(peak, AnonymousMb());
  });
  malloc_trim(0);  // what writing the file took
  const double before = AnonymousMb();
  const Clip clip = data.Load(749);
  done = true;
  watcher.join();
  std::printf("anonymous memory: %.1f MB before, %.1f MB at most\n", before, peak);
  EXPECT_GT(peak, 0);
  EXPECT_LT(peak, 200);
  EXPECT_TRUE(clip.points.eq(7).all().item<bool>());
  EXPECT_TRUE(clip.part_labels.eq(7).all().item<bool>());
}

}  // namespace
}  // namespace cross4d::test
