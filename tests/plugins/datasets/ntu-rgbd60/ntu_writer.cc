// SPDX-License-Identifier: Apache-2.0
#include "ntu_writer.h"

#include <cross4d/sdk/random.h>

#include <png.h>
#include <zip.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace cross4d::test {
namespace {

constexpr int kWidth = 512, kHeight = 424;

template <class T>
std::string Raw(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string ShortText(const std::string& text) {
  return "\x8c" + std::string(1, static_cast<char>(text.size())) + text + "\x94";
}

std::string BigText(const std::string& bytes) {
  return "B" + Raw(static_cast<std::uint32_t>(bytes.size())) + bytes + "\x94";
}

std::string Integer(std::int32_t value) { return "J" + Raw(value); }

// module.name, called with the arguments in `tuple`, its state set to `state`.
std::string Object(const std::string& module,
                   const std::string& name,
                   const std::string& tuple,
                   const std::string& state) {
  return ShortText(module) + ShortText(name) + "\x93\x94" + tuple + "R\x94(" + state + "tb";
}

std::string Type(const std::string& kind, const std::string& order, const std::string& tail) {
  return Object("numpy",
                "dtype",
                ShortText(kind) + "\x89\x88\x87\x94",
                Integer(3) + ShortText(order) + "NNN" + Integer(-1) + Integer(-1) + tail);
}

std::string Array(const std::string& shape, const std::string& type, const std::string& content) {
  const std::string empty = ShortText("numpy") + ShortText("ndarray") + "\x93\x94" + Integer(0) +
                            "\x85\x94" + "C\x01" + "b" + "\x94\x87\x94";
  return Object("numpy._core.multiarray",
                "_reconstruct",
                empty,
                Integer(1) + shape + type + "\x89" + content);
}

std::vector<double> PointsOf(const Depth& depth) {
  std::vector<double> points;
  for (int i = 0; i < kWidth * kHeight; ++i) {
    if (depth[static_cast<std::size_t>(i)] == 0) continue;
    // matplotlib gives float32, NumPy goes on in float64.
    const double z = static_cast<float>(depth[static_cast<std::size_t>(i)]) / 65535.0f;
    points.insert(points.end(),
                  {(i % kWidth - 256.0) / 280 * z, (i / kWidth - 212.0) / 280 * z, z});
  }
  return points;
}

std::string BytesOf(const std::vector<double>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double)};
}

std::string Npy(const std::string& type, const std::string& shape, const std::string& data) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header.resize((header.size() + 10 + 63) / 64 * 64 - 10, ' ');
  return std::string("\x93NUMPY\x01\x00", 8) + Raw(static_cast<std::uint16_t>(header.size())) +
         header + data;
}

}  // namespace

Depth Block(int valid, int mm) {
  Depth depth(kWidth * kHeight, 0);
  for (int i = 0; i < valid; ++i) {
    depth[static_cast<std::size_t>((200 + i / 40) * kWidth + 240 + i % 40)] =
        static_cast<std::uint16_t>(mm + i);
  }
  return depth;
}

Depth Body(std::uint64_t seed) {
  RandomStream random(MixSeed({seed}));
  Depth depth(kWidth * kHeight, 0);
  for (int row = 120; row < 330; ++row) {
    for (int column = 220; column < 280; ++column) {
      const double x = (column - 250) / 30.0, y = (row - 225) / 105.0;
      if (x * x + y * y > 1) continue;
      depth[static_cast<std::size_t>(row * kWidth + column)] =
          static_cast<std::uint16_t>(3600 - 120 * std::sqrt(1 - x * x) + random.Below(40));
    }
  }
  return depth;
}

void WritePng(const std::filesystem::path& path, const Depth& depth, const PngKind& kind) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) std::abort();
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file);
  png_set_IHDR(png,
               info,
               kind.width,
               kind.height,
               kind.bits,
               kind.colour,
               kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  const png_color black = {};
  if (kind.colour == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, &black, 1);
  png_write_info(png, info);
  png_set_swap(png);
  const bool real = kind.bits == 16 && kind.colour == 0 && kind.width * kind.height == depth.size();
  std::vector<std::uint16_t> row(kind.width * 4, 0);
  const int passes = png_set_interlace_handling(png);
  for (int pass = 0; pass < passes; ++pass) {
    for (std::uint32_t y = 0; y < kind.height; ++y) {
      if (real) std::memcpy(row.data(), &depth[y * kind.width], kind.width * 2);
      png_write_row(png, reinterpret_cast<png_const_bytep>(row.data()));
    }
  }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  std::fclose(file);
}

void WriteVideo(const std::filesystem::path& folder, const std::vector<Depth>& frames) {
  std::filesystem::create_directories(folder);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "MDepth-%08zu.png", i + 1);
    WritePng(folder / name, frames[i]);
  }
}

void WritePoints(const std::filesystem::path& file, const std::vector<Depth>& frames, bool plain) {
  if (plain) {
    std::string data;
    for (const Depth& depth : frames) data += BytesOf(PointsOf(depth));
    const std::size_t each = data.size() / frames.size() / 24;
    WriteNpz(file,
             "data",
             Npy("<f8",
                 "(" + std::to_string(frames.size()) + ", " + std::to_string(each) + ", 3)",
                 data));
    return;
  }
  std::string items;
  for (const Depth& depth : frames) {
    const std::vector<double> points = PointsOf(depth);
    items += Array(Integer(static_cast<std::int32_t>(points.size() / 3)) + Integer(3) + "\x86\x94",
                   Type("f8", "<", Integer(0)),
                   BigText(BytesOf(points)));
  }
  const std::string list = "]\x94(" + items + "e";
  const std::string whole = "\x80\x04" +
                            Array(Integer(static_cast<std::int32_t>(frames.size())) + "\x85\x94",
                                  Type("O8", "|", Integer(63)),
                                  list) +
                            ".";
  WriteNpz(file, "data", Npy("|O", "(" + std::to_string(frames.size()) + ",)", whole));
}

void WriteNpz(const std::filesystem::path& file,
              const std::string& array,
              const std::string& npy_bytes) {
  int error = 0;
  zip_t* zip = zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error);
  if (zip == nullptr) std::abort();
  zip_source_t* source = zip_source_buffer(zip, npy_bytes.data(), npy_bytes.size(), 0);
  zip_file_add(zip, (array + ".npy").c_str(), source, ZIP_FL_OVERWRITE);
  if (zip_close(zip) != 0) std::abort();
}

std::string ReadBytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteBytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace cross4d::test
