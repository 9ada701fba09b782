// SPDX-License-Identifier: Apache-2.0
#include "depth_video.h"

#include <cross4d/sdk/error.h>

#include <array>
#include <bit>
#include <fstream>
#include <sstream>
#include <utility>

namespace cross4d::msr_action3d {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the reader copies little-endian numbers");

constexpr std::int64_t kHeader = 12, kMaxSide = 4096;
constexpr std::uint32_t kMaxDepth = 65535;

}  // namespace

DepthVideo::DepthVideo(const std::string& path)
    : name_(path), in_(std::make_unique<std::ifstream>(path, std::ios::binary)) {
  if (!*in_) FailInput(path + ": cannot be opened for reading");
  ReadHeader();
}

DepthVideo::DepthVideo(std::string name, const std::string& bytes)
    : name_(std::move(name)), in_(std::make_unique<std::istringstream>(bytes)) {
  ReadHeader();
}

void DepthVideo::Fail(const std::string& problem) const { FailInput(name_ + ": " + problem); }

void DepthVideo::ReadHeader() {
  in_->seekg(0, std::ios::end);
  const std::int64_t size = in_->tellg();
  in_->seekg(0);
  std::array<std::uint32_t, 3> header{};
  if (size < kHeader || !in_->read(reinterpret_cast<char*>(header.data()), kHeader)) {
    Fail("has " + std::to_string(size) + " bytes, expected a header of 12: it is truncated");
  }
  frames_ = header[0], columns_ = header[1], rows_ = header[2];
  if (frames_ == 0) Fail("at byte 0: 0 frames, expected at least 1");
  if (columns_ < 1 || columns_ > kMaxSide || rows_ < 1 || rows_ > kMaxSide) {
    Fail("at byte 4: images of " + std::to_string(columns_) + " x " + std::to_string(rows_) +
         " pixels, expected 320 x 240");
  }
  const std::int64_t pixels = columns_ * rows_, data = size - kHeader;
  if (data == frames_ * pixels * 4) return;
  std::string problem = std::to_string(data) + " bytes after the header, expected " +
                        std::to_string(frames_ * pixels * 4) + " for " + std::to_string(frames_) +
                        " frames of " + std::to_string(columns_) + " x " + std::to_string(rows_) +
                        " pixels of 4 bytes";
  if (data == frames_ * pixels * 2) {
    problem += "; they would be pixels of 2 bytes, as other data sets have them";
  } else if (data == frames_ * rows_ * (columns_ * 5)) {
    problem += "; it looks like MSRDailyActivity3D, which has skeleton ids between the rows";
  } else if (data < frames_ * pixels * 4) {
    problem += ": it is truncated in frame " + std::to_string(data / (pixels * 4));
  }
  Fail(problem);
}

void DepthVideo::Read(std::int64_t frame, std::vector<Pixel>* pixels) {
  const std::int64_t size = columns_ * rows_, at = kHeader + frame * size * 4;
  depth_.resize(static_cast<std::size_t>(size));
  in_->seekg(at);
  if (!in_->read(reinterpret_cast<char*>(depth_.data()), size * 4)) {
    Fail("at byte " + std::to_string(at) + ": frame " + std::to_string(frame) + " of " +
         std::to_string(frames_) + " cannot be read");
  }
  pixels->clear();
  for (std::int64_t i = 0; i < size; ++i) {
    const std::uint32_t depth = depth_[static_cast<std::size_t>(i)];
    if (depth == 0) continue;
    if (depth > kMaxDepth) {
      Fail("at byte " + std::to_string(at + 4 * i) + ", frame " + std::to_string(frame) +
           ": depth " + std::to_string(depth) + ", expected at most 65535 counts");
    }
    pixels->push_back({static_cast<float>(i % columns_),
                       static_cast<float>(i / columns_),
                       static_cast<float>(depth)});
  }
}

}  // namespace cross4d::msr_action3d
