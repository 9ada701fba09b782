// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <istream>
#include <memory>
#include <string>
#include <vector>

namespace cross4d::dt4d_animals {

using Triangle = std::array<std::int32_t, 3>;

/// An .anime file: frames, vertices, triangles (i32), the vertices of frame 0, the triangles, and
/// for every later frame the vertices' offsets from FRAME 0. Holds frame 0 and the triangles; other
/// frames are read when asked for. Not safe for threads. Throws Error(kInput) with file, offset or
/// frame, what was found and what was expected.
class AnimeFile {
 public:
  /// Opens the file and compares its size with its header.
  explicit AnimeFile(const std::string& path);
  /// From memory; `name` stands for the path in messages.
  AnimeFile(std::string name, const std::string& bytes);

  /// Its number of frames, from the header and the file's size alone.
  static std::int64_t CountFrames(const std::string& path);

  std::int64_t frames() const { return frames_; }
  std::int64_t vertices() const { return vertices_; }
  const std::vector<Triangle>& triangles() const { return triangles_; }
  /// xyz of every vertex.
  const std::vector<float>& first_frame() const { return first_; }
  void ReadFrame(std::int64_t frame, std::vector<float>* xyz);
  /// Throws an error about this file.
  [[noreturn]] void Fail(const std::string& problem) const;

 private:
  AnimeFile(std::string name, std::unique_ptr<std::istream> in);
  void ReadHeader();
  void ReadMesh();
  void CheckFinite(std::int64_t frame, const std::vector<float>& xyz) const;

  std::string name_;
  std::unique_ptr<std::istream> in_;
  std::int64_t frames_ = 0, vertices_ = 0, triangle_count_ = 0;
  std::vector<float> first_;
  std::vector<Triangle> triangles_;
};

}  // namespace cross4d::dt4d_animals
