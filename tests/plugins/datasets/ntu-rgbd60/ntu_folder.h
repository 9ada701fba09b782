// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ntu_rgbd60.h"
#include "ntu_writer.h"
#include "tests/support/refusal.h"
#include "tests/support/temp_folder.h"

namespace cross4d::test {

/// A folder of small videos and options for clips of 4 x 32 points in metres.
class NtuFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(root());
    options_.root = root().string();
    options_.frames = 4;
    options_.points = 32;
    options_.stride = 1;
    options_.normalise = "metres";
  }
  std::filesystem::path root() const { return folder_ / "nturgb+d_depth_masked"; }

  /// A video whose frame t has valid[t] pixels at 3000 + 10 t mm and farther.
  static std::vector<Depth> Frames(const std::vector<int>& valid) {
    std::vector<Depth> frames;
    for (const int count : valid) {
      frames.push_back(Block(count, 3000 + 10 * static_cast<int>(frames.size())));
    }
    return frames;
  }
  void AddImages(const std::string& id, const std::vector<int>& valid) const {
    WriteVideo(root() / id, Frames(valid));
  }
  ntu_rgbd60::NtuRgbd60 Open() const { return {options_, context_}; }
  std::string OpenError() const {
    return Refusal([this] { Open(); });
  }
  std::string LoadError(std::int64_t index = 0) const {
    return Refusal([&] { Open().Load(index); });
  }
  std::vector<std::string> Ids() const {
    const ntu_rgbd60::NtuRgbd60 data = Open();
    std::vector<std::string> ids;
    for (const ClipInfo& clip : data.clips()) ids.push_back(clip.id);
    return ids;
  }

  TempFolder folder_;
  ntu_rgbd60::Options options_;
  PluginContext context_;
};

}  // namespace cross4d::test
