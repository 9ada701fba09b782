// SPDX-License-Identifier: Apache-2.0
#include "anime_file.h"

#include <cross4d/sdk/error.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <sstream>
#include <utility>

namespace cross4d::dt4d_animals {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the reader copies little-endian numbers");

// Three numbers of four bytes: the header, a vertex, a triangle.
constexpr std::int64_t kTriple = 12;
// More of anything is a damaged header; keeps the sizes below within 64 bits.
constexpr std::int32_t kMost = 100'000'000;

std::unique_ptr<std::istream> OpenFile(const std::string& path) {
  auto in = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*in) FailInput(path + ": cannot be opened for reading");
  return in;
}

}  // namespace

AnimeFile::AnimeFile(std::string name, std::unique_ptr<std::istream> in)
    : name_(std::move(name)), in_(std::move(in)) {
  ReadHeader();
}

AnimeFile::AnimeFile(const std::string& path) : AnimeFile(path, OpenFile(path)) { ReadMesh(); }

AnimeFile::AnimeFile(std::string name, const std::string& bytes)
    : AnimeFile(std::move(name), std::make_unique<std::istringstream>(bytes)) {
  ReadMesh();
}

std::int64_t AnimeFile::CountFrames(const std::string& path) {
  return AnimeFile(path, OpenFile(path)).frames();
}

void AnimeFile::Fail(const std::string& problem) const { FailInput(name_ + ": " + problem); }

void AnimeFile::ReadHeader() {
  in_->seekg(0, std::ios::end);
  const std::int64_t size = in_->tellg();
  in_->seekg(0);
  std::array<std::int32_t, 3> header{};
  if (size < kTriple || !in_->read(reinterpret_cast<char*>(header.data()), kTriple)) {
    Fail("has " + std::to_string(size) + " bytes, expected a header of 12: it is truncated");
  }
  constexpr std::array<const char*, 3> kNames = {"frames", "vertices", "triangles"};
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (header[i] >= 1 && header[i] <= kMost) continue;
    Fail("at byte " + std::to_string(4 * i) + ": " + std::to_string(header[i]) + " " + kNames[i] +
         ", expected 1 to 100000000");
  }
  frames_ = header[0], vertices_ = header[1], triangle_count_ = header[2];
  const std::int64_t mesh = kTriple * (1 + vertices_ + triangle_count_);
  const std::int64_t expected = mesh + kTriple * vertices_ * (frames_ - 1);
  if (size == expected) return;
  std::string problem = std::to_string(size) + " bytes, expected " + std::to_string(expected) +
                        " for " + std::to_string(frames_) + " frames of " +
                        std::to_string(vertices_) + " vertices and " +
                        std::to_string(triangle_count_) + " triangles";
  if (size < mesh) {
    problem += ": it is truncated in the mesh of frame 0";
  } else if (size < expected) {
    problem +=
        ": it is truncated in frame " + std::to_string(1 + (size - mesh) / (kTriple * vertices_));
  }
  Fail(problem);
}

void AnimeFile::ReadMesh() {
  first_.resize(static_cast<std::size_t>(vertices_) * 3);
  triangles_.resize(static_cast<std::size_t>(triangle_count_));
  in_->read(reinterpret_cast<char*>(first_.data()), kTriple * vertices_);
  in_->read(reinterpret_cast<char*>(triangles_.data()), kTriple * triangle_count_);
  if (!*in_) Fail("the mesh of frame 0 cannot be read");
  CheckFinite(0, first_);
  for (std::size_t i = 0; i < triangles_.size(); ++i) {
    for (const std::int32_t vertex : triangles_[i]) {
      if (vertex >= 0 && vertex < vertices_) continue;
      Fail("at byte " + std::to_string(kTriple * (1 + vertices_ + static_cast<std::int64_t>(i))) +
           ": triangle " + std::to_string(i) + " has vertex " + std::to_string(vertex) +
           ", expected 0 to " + std::to_string(vertices_ - 1));
    }
  }
}

void AnimeFile::CheckFinite(std::int64_t frame, const std::vector<float>& xyz) const {
  for (std::size_t i = 0; i < xyz.size(); ++i) {
    if (std::isfinite(xyz[i])) continue;
    Fail("frame " + std::to_string(frame) + ", vertex " + std::to_string(i / 3) +
         ": a coordinate is not finite, expected a number");
  }
}

void AnimeFile::ReadFrame(std::int64_t frame, std::vector<float>* xyz) {
  if (frame == 0) {
    *xyz = first_;
    return;
  }
  xyz->resize(first_.size());
  in_->seekg(kTriple * (1 + vertices_ * frame + triangle_count_));
  if (!in_->read(reinterpret_cast<char*>(xyz->data()), kTriple * vertices_)) {
    Fail("frame " + std::to_string(frame) + " of " + std::to_string(frames_) + " cannot be read");
  }
  for (std::size_t i = 0; i < first_.size(); ++i) (*xyz)[i] += first_[i];
  CheckFinite(frame, *xyz);
}

}  // namespace cross4d::dt4d_animals
