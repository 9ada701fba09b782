// SPDX-License-Identifier: Apache-2.0
#include "depth_png.h"

#include <cross4d/sdk/error.h>

#include <png.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace cross4d::ntu_rgbd60 {
namespace {

constexpr std::size_t kRowBytes = kColumns * 2;

// What libpng's callbacks need. It leaves them by longjmp, so nothing here has a destructor.
struct Reading {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0, at = 0;
  char problem[256] = "";
  std::array<unsigned char, kRowBytes> row = {};
};

[[noreturn]] void Fail(png_structp png, png_const_charp problem) {
  auto* in = static_cast<Reading*>(png_get_error_ptr(png));
  std::snprintf(in->problem, sizeof in->problem, "%s", problem);
  png_longjmp(png, 1);
}

void Ignore(png_structp, png_const_charp) {}

void Supply(png_structp png, png_bytep target, std::size_t size) {
  auto* in = static_cast<Reading*>(png_get_io_ptr(png));
  if (size > in->size - in->at) {
    in->at = in->size;
    Fail(png, "the file ends in the middle of the image: it is truncated");
  }
  std::memcpy(target, in->bytes + in->at, size);
  in->at += size;
}

const char* ColourName(int colour) {
  switch (colour) {
    case PNG_COLOR_TYPE_GRAY:
      return "greyscale";
    case PNG_COLOR_TYPE_GRAY_ALPHA:
      return "greyscale with alpha";
    case PNG_COLOR_TYPE_PALETTE:
      return "palette";
    case PNG_COLOR_TYPE_RGB:
      return "RGB";
    default:
      return "RGB with alpha";
  }
}

void CheckKind(png_structp png, png_infop info) {
  const auto width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  const int depth = png_get_bit_depth(png, info), colour = png_get_color_type(png, info);
  const bool interlaced = png_get_interlace_type(png, info) != PNG_INTERLACE_NONE;
  if (width == kColumns && height == kRows && depth == 16 && colour == PNG_COLOR_TYPE_GRAY &&
      !interlaced) {
    return;
  }
  char problem[sizeof(Reading::problem)];
  std::snprintf(problem,
                sizeof problem,
                "is a %d-bit %s image of %u x %u pixels%s, expected 16-bit greyscale, 512 x 424, "
                "not interlaced",
                depth,
                ColourName(colour),
                width,
                height,
                interlaced ? ", interlaced" : "");
  Fail(png, problem);
}

// Most of an image is masked: looks at four pixels at once. PNG's samples are big-endian.
void AddValid(const unsigned char* row, std::uint16_t number, std::vector<Pixel>* pixels) {
  for (std::uint32_t column = 0; column < kColumns; column += 4) {
    std::uint64_t four = 0;
    std::memcpy(&four, row + 2 * column, sizeof four);
    if (four == 0) continue;
    for (std::uint32_t c = column; c < column + 4; ++c) {
      const auto depth = static_cast<std::uint16_t>(row[2 * c] << 8 | row[2 * c + 1]);
      if (depth != 0) pixels->push_back({static_cast<std::uint16_t>(c), number, depth});
    }
  }
}

void ReadImage(png_structp png, png_infop info, Reading* in, std::vector<Pixel>* pixels) {
  png_set_read_fn(png, in, Supply);
  png_read_info(png, info);
  CheckKind(png, info);
  for (std::uint16_t row = 0; row < kRows; ++row) {
    png_read_row(png, in->row.data(), nullptr);
    AddValid(in->row.data(), row, pixels);
  }
  png_read_end(png, nullptr);
}

// False = in->problem says why.
bool Decode(Reading* in, std::vector<Pixel>* pixels) {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, in, Fail, Ignore);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  if (info == nullptr) {
    png_destroy_read_struct(&png, nullptr, nullptr);
    throw Error(ErrorCode::kEnvironment, "libpng: no memory");
  }
  if (setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_read_struct(&png, &info, nullptr);
    return false;
  }
  ReadImage(png, info, in, pixels);
  png_destroy_read_struct(&png, &info, nullptr);
  return true;
}

void ReadWholeFile(const std::string& path, std::vector<unsigned char>* bytes) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) FailInput(path + ": cannot be opened for reading");
  const std::streamoff size = file.tellg();
  if (size < 0) FailInput(path + ": is not a regular file");
  bytes->resize(static_cast<std::size_t>(size));
  file.seekg(0);
  if (!file.read(reinterpret_cast<char*>(bytes->data()), size)) {
    FailInput(path + ": only part of its " + std::to_string(size) + " bytes could be read");
  }
}

}  // namespace

void ReadDepthPng(const std::string& path, std::vector<Pixel>* pixels) {
  std::vector<unsigned char> bytes;
  ReadWholeFile(path, &bytes);
  pixels->clear();
  Reading in;
  in.bytes = bytes.data();
  in.size = bytes.size();
  if (Decode(&in, pixels)) return;
  FailInput(path + ": at byte " + std::to_string(in.at) + " of " + std::to_string(in.size) + ": " +
            in.problem);
}

}  // namespace cross4d::ntu_rgbd60
