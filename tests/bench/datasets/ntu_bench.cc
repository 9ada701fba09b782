// SPDX-License-Identifier: Apache-2.0
// CPU time of reading one NTU clip (24 masked PNG files to 24 x 2048 normalised points) against
// libpng's own decoding of the same files, interleaved on one thread: bench_ntu [ROUNDS]
#include <png.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include "ntu_rgbd60.h"
#include "ntu_writer.h"
#include "tests/support/temp_folder.h"

namespace {

namespace fs = std::filesystem;

constexpr int kFrames = 24;

double CpuMs() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

// The whole image as numbers of this machine, as libpng's manual does it.
void DecodeWithLibpng(const std::string& path, std::vector<std::uint16_t>* image) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) std::abort();
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file);
  png_read_info(png, info);
  png_set_swap(png);
  png_read_update_info(png, info);
  const std::size_t width = png_get_image_width(png, info);
  const std::size_t height = png_get_image_height(png, info);
  image->resize(width * height);
  std::vector<png_bytep> rows(height);
  for (std::size_t y = 0; y < height; ++y) {
    rows[y] = reinterpret_cast<png_bytep>(image->data() + y * width);
  }
  png_read_image(png, rows.data());
  png_read_end(png, info);
  png_destroy_read_struct(&png, &info, nullptr);
  std::fclose(file);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 50;
  const cross4d::test::TempFolder root;
  const fs::path folder = root / "S001C001P001R001A001";
  std::vector<cross4d::test::Depth> frames;
  for (int i = 0; i < 2 * kFrames; ++i) {
    frames.push_back(cross4d::test::Body(static_cast<std::uint64_t>(i)));
  }
  cross4d::test::WriteVideo(folder, frames);
  cross4d::ntu_rgbd60::Options options;
  options.root = root.path().string();
  const cross4d::ntu_rgbd60::NtuRgbd60 data(options, {});

  double ours = 1e30, libpng = 1e30;
  std::uintmax_t bytes = 0;
  std::vector<std::uint16_t> image;
  for (int round = 0; round < rounds; ++round) {
    double start = CpuMs();
    for (int i = 0; i < kFrames; ++i) {
      char name[32];
      std::snprintf(name, sizeof name, "MDepth-%08d.png", 2 * i + 1);
      DecodeWithLibpng((folder / name).string(), &image);
      if (round == 0) bytes += fs::file_size(folder / name);
    }
    libpng = std::min(libpng, CpuMs() - start);
    start = CpuMs();
    data.Load(0);
    ours = std::min(ours, CpuMs() - start);
  }
  const auto valid =
      image.size() - static_cast<std::size_t>(std::count(image.begin(), image.end(), 0));
  std::printf(
      "24 files of %.1f kB, %zu valid pixels each: libpng %.2f ms, a clip %.2f ms: %.2f x\n",
      static_cast<double>(bytes) / kFrames / 1e3,
      valid,
      libpng,
      ours,
      ours / libpng);
  return 0;
}
