// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <istream>
#include <memory>
#include <string>
#include <vector>

#include "video_frames.h"

namespace cross4d::msr_action3d {

/// A depth .bin: frames, columns, rows (u32), then u32 depth counts, frame by frame, row by row;
/// 0 = background. Reads the frames that are asked for, and nothing else.
class DepthVideo final : public VideoFrames {
 public:
  /// Opens the file and compares its size with its header.
  explicit DepthVideo(const std::string& path);
  /// From memory; `name` stands for the path in messages.
  DepthVideo(std::string name, const std::string& bytes);

  std::int64_t count() const override { return frames_; }
  float centre_x() const override { return static_cast<float>(columns_) / 2; }
  float centre_y() const override { return static_cast<float>(rows_) / 2; }
  void Read(std::int64_t frame, std::vector<Pixel>* pixels) override;

 private:
  void ReadHeader();
  [[noreturn]] void Fail(const std::string& problem) const;

  std::string name_;
  std::unique_ptr<std::istream> in_;
  std::int64_t frames_ = 0, columns_ = 0, rows_ = 0;
  std::vector<std::uint32_t> depth_;  ///< of one frame
};

}  // namespace cross4d::msr_action3d
